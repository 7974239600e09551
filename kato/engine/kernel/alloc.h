/* Memory that may run out: every request can fail, and a failure changes nothing. */

#ifndef KATO_ALLOC_H
#define KATO_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* `count` items of `size` bytes, all zero; NULL where there is no memory. */
void *kato_zeroed(size_t count, size_t size);

/* `block` with room for `count` items of `size` bytes; NULL where there is no memory, and then
   `block` is as it was. */
void *kato_resized(void *block, size_t count, size_t size);

void kato_free(void *block);

/* See that an array has room for `needed` items; false where there is no memory, and then it is as
   it was.

   `array` points to the pointer to the first item, `room` to the number of items that fit. */
bool kato_room(void *array, size_t *room, size_t needed, size_t size);

#define KATO_ROOM(array, room, needed) \
    ((size_t)(needed) <= (room) || kato_room(&(array), &(room), (needed), sizeof *(array)))

#ifdef KATO_FAULTS
/* Let the n-th request from now on fail, once; 0: none. Gives how many were left until the failure that
   was asked for before, 0 where it has happened. */
long kato_fail_allocation(long n);
#endif

#endif
