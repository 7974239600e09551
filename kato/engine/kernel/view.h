/* A state, prepared to be matched against many models.

   Each distinct symbol of it that any model has gets a slot, from 1 up; the other symbols are
   matched by nothing, and only count. */

#ifndef KATO_VIEW_H
#define KATO_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KATO_SHORT = 64,           /* so many positions fit into the bits of one word */
    KATO_MASK_WORDS = 1 << 17  /* masks may take so many words, else there are none */
};

struct kato_view {
    uint32_t length; /* symbols of the state */
    uint32_t slots;
    uint32_t *begin; /* [slots + 2]: the positions of slot s are place[begin[s]] up to begin[s + 1], */
    uint32_t *place; /* rising */
    uint64_t *mask;  /* the same as bits, mask_words words for each slot from 0 */
    uint32_t mask_words; /* 0: there are no masks */
    size_t begin_room, place_room, mask_room;
};

/* Prepare the state whose symbols have these slots, 0: none. False: no memory. */
bool kato_view_set(struct kato_view *view, const uint32_t *slot, size_t length, uint32_t slots);

/* Make `copy`, which is empty, equal to `view`, without masks. False: no memory. */
bool kato_view_copy(struct kato_view *copy, const struct kato_view *view);

void kato_view_end(struct kato_view *view);

static inline uint32_t kato_view_count(const struct kato_view *view, uint32_t slot)
{
    return view->begin[slot + 1] - view->begin[slot];
}

#endif
