#include "writer.h"

#include <math.h>
#include <string.h>

#include "alloc.h"

bool kato_write(struct kato_writer *writer, const char *bytes, size_t count)
{
    if (!KATO_ROOM(writer->text, writer->room, writer->used + count)) {
        PyErr_NoMemory();
        return false;
    }
    memcpy(writer->text + writer->used, bytes, count);
    writer->used += count;
    return true;
}

bool kato_write_text(struct kato_writer *writer, const char *text)
{
    return kato_write(writer, text, strlen(text));
}

bool kato_write_count(struct kato_writer *writer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    return kato_write(writer, digits + at, sizeof digits - at);
}

static bool write_any(struct kato_writer *writer, double value)
{
    char *text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL)
        return false;
    bool written = kato_write_text(writer, text);
    PyMem_Free(text);
    return written;
}

/* What is rounded to twelve decimals and less than 1000 has at most 15 digits, and these are just
   the digits that repr finds: no shorter number is as near. Smaller numbers go with an exponent. */
bool kato_write_float(struct kato_writer *writer, double value)
{
    char text[24];
    double scaled = fabs(value) * 1e12;
    uint64_t whole = scaled < 1e15 ? (uint64_t)rint(scaled) : 0;
    if (whole < 100000000 || (double)whole / 1e12 != fabs(value))
        return write_any(writer, value);
    size_t at = sizeof text, decimals = 12;
    while (decimals > 1 && whole % 10 == 0) {
        whole /= 10;
        decimals--;
    }
    for (; decimals > 0; decimals--, whole /= 10)
        text[--at] = (char)('0' + whole % 10);
    text[--at] = '.';
    do
        text[--at] = (char)('0' + whole % 10);
    while (whole /= 10);
    if (value < 0)
        text[--at] = '-';
    return kato_write(writer, text + at, sizeof text - at);
}
