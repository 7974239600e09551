#include "alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_BYTES = 4096, LEAST_BYTES = 16, LARGE_ITEM = 32, LEAST_LARGE = 32 };

#ifdef KATO_FAULTS
static long until_failure;

long kato_fail_allocation(long n)
{
    long left = until_failure;
    until_failure = n;
    return left;
}

static bool fails(void)
{
    return until_failure > 0 && --until_failure == 0;
}
#else
static bool fails(void)
{
    return false;
}
#endif

void *kato_zeroed(size_t count, size_t size)
{
    return fails() ? NULL : calloc(count ? count : 1, size);
}

void *kato_resized(void *block, size_t count, size_t size)
{
    if (fails() || count > SIZE_MAX / size)
        return NULL;
    return realloc(block, count ? count * size : 1);
}

void kato_free(void *block)
{
    free(block);
}

/* Small arrays grow by a half. Large ones grow by an eighth, since the pages of a large block are
   moved and not copied, and their slack would weigh more. */
static size_t grown(size_t room, size_t needed, size_t size)
{
    size_t step = room < FEW_BYTES / size ? room / 2 : room / 8;
    size_t more = room > SIZE_MAX - step ? SIZE_MAX : room + step;
    size_t least = size < LARGE_ITEM ? LEAST_BYTES / size : LEAST_LARGE;
    if (more < least)
        more = least;
    return more < needed ? needed : more;
}

bool kato_room(void *array, size_t *room, size_t needed, size_t size)
{
    void *block;
    if (needed <= *room)
        return true;
    size_t more = grown(*room, needed, size);
    memcpy(&block, array, sizeof block);
    block = kato_resized(block, more, size);
    if (block == NULL)
        return false;
    memcpy(array, &block, sizeof block);
    *room = more;
    return true;
}
