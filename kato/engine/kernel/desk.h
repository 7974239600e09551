/* What one query works with: prepared for its state, used by one thread, and kept for the next query
   of any memory. */

#ifndef KATO_DESK_H
#define KATO_DESK_H

#include "blocks.h"
#include "counting.h"
#include "memory.h"
#include "view.h"

struct kato_desk {
    struct kato_desk *next;
    struct kato_view view;
    struct kato_counting counting;
    struct kato_notes notes;
    uint32_t *where, *slot; /* the hits of one model */
    uint32_t *state_slot;   /* by place of the state */
    uint32_t *code;         /* by slot from 1 */

    /* By code, all 0 between queries: the slot of each symbol of the state, in bytes where there are
       few, since these are looked up for every symbol of every model that may match; */
    uint8_t *short_slot;
    uint32_t *long_slot;
    uint32_t *tally; /* and how often a symbol stands in what is looked at. */

    /* The state as a vector: by slot, p(s) times how often the symbol stands in it. */
    double *part;
    double norm;

    size_t where_room, slot_room, state_slot_room, code_room, short_slot_room, long_slot_room,
        tally_room, part_room;
};

/* Read lock held. A desk prepared for a state, given as codes, KATO_NONE where the memory does not
   know the symbol; NULL: no memory. */
struct kato_desk *kato_desk_take(const struct kato_memory *memory, const uint32_t *state,
                                 size_t length);

/* Give it back. */
void kato_desk_leave(struct kato_desk *desk);

/* The slot of a code, 0 where it does not stand in the state. */
static inline uint32_t kato_slot(const struct kato_desk *desk, uint32_t code)
{
    return desk->view.length <= KATO_SHORT ? desk->short_slot[code] : desk->long_slot[code];
}

/* The cosine distance of the state and the symbols `words`, each weighed with its p(s) (SPEC 3). */
double kato_distance(struct kato_desk *desk, const struct kato_memory *memory,
                     const uint32_t *words, size_t count);

#endif
