#include "names.h"

#include <string.h>

static const char prefix[] = "MODEL|";
enum { PREFIX = sizeof prefix - 1 };
enum { SHA_1 = 0, TEXT = 1 }; /* the first byte of a packed name */

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int is_sha_1(const char *name, size_t length)
{
    if (length != KATO_LONG_NAME || memcmp(name, prefix, PREFIX) != 0)
        return 0;
    for (size_t i = PREFIX; i < length; i++)
        if (digit(name[i]) < 0)
            return 0;
    return 1;
}

size_t kato_name_pack(const char *name, size_t length, unsigned char *packed)
{
    if (!is_sha_1(name, length)) {
        packed[0] = TEXT;
        memcpy(packed + 1, name, length);
        return length + 1;
    }
    packed[0] = SHA_1;
    for (size_t i = 1; i < KATO_PACKED; i++) {
        const char *pair = name + PREFIX + 2 * (i - 1);
        packed[i] = (unsigned char)(digit(pair[0]) << 4 | digit(pair[1]));
    }
    return KATO_PACKED;
}

const char *kato_name_text(const unsigned char *packed, size_t size, char *text, size_t *length)
{
    if (packed[0] == TEXT) {
        *length = size - 1;
        return (const char *)packed + 1;
    }
    memcpy(text, prefix, PREFIX);
    for (size_t i = 1; i < KATO_PACKED; i++) {
        text[PREFIX + 2 * (i - 1)] = "0123456789abcdef"[packed[i] >> 4];
        text[PREFIX + 2 * (i - 1) + 1] = "0123456789abcdef"[packed[i] & 15];
    }
    *length = KATO_LONG_NAME;
    return text;
}

/* The order of code points is that of their bytes in UTF-8, and that of numbers is that of their
   hexadecimal digits. */
int kato_name_order(const unsigned char *a, size_t a_size, const unsigned char *b, size_t b_size)
{
    if (a[0] == SHA_1 && b[0] == SHA_1)
        return memcmp(a + 1, b + 1, KATO_PACKED - 1);
    char a_text[KATO_LONG_NAME], b_text[KATO_LONG_NAME];
    size_t a_length, b_length;
    const char *first = kato_name_text(a, a_size, a_text, &a_length);
    const char *second = kato_name_text(b, b_size, b_text, &b_length);
    int order = memcmp(first, second, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}
