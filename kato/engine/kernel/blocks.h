/* Ratcliff/Obershelp matching, exactly as Python's difflib does it without its junk heuristics.

   The longest stretch that model and state have in common is a block: of equally long ones that
   which begins first in the model, and of these that which begins first in the state. Then the same
   is done with what lies to the left of it in both, and with what lies to the right. */

#ifndef KATO_BLOCKS_H
#define KATO_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view.h"

struct kato_block {
    uint32_t model, state, size;
};

/* The places of a model whose symbols stand in the state, and the slots of these. */
struct kato_hits {
    uint32_t *where, *slot;
    uint32_t count;
};

/* What follows from the blocks of a model, in whole numbers. */
struct kato_shape {
    uint32_t matched, blocks;
    uint32_t first, last; /* the places in the model of the first and the last matched symbol */
    uint32_t end;         /* the place in the state after the last block */
};

/* What matching needs to take notes. */
struct kato_notes {
    struct kato_step *step; /* what is still to be done */
    uint64_t *row;          /* by hit: the places of the state where a run ends there */
    uint64_t *seen;         /* by place of the state: when a run that ends there was last noted, */
    uint32_t *run;          /* and how long it was */
    uint64_t scans;
    size_t step_room, row_room, seen_room, run_room;
};

/* Make room for states and models of these lengths; false: no memory. */
bool kato_notes_room(struct kato_notes *notes, size_t state, size_t model);
void kato_notes_end(struct kato_notes *notes);

/* The shape of the blocks of any state. `block` is given the blocks in order, unless it is NULL; it
   has room for as many as the shorter of state and hits has symbols. */
void kato_blocks(const struct kato_view *view, const struct kato_hits *hits,
                 struct kato_notes *notes, struct kato_block *block, struct kato_shape *shape);

/* The same, faster, for states of up to KATO_SHORT symbols. */
void kato_blocks_short(const struct kato_view *view, const struct kato_hits *hits,
                       struct kato_notes *notes, struct kato_shape *shape);

/* Whether a common subsequence of at least `least` symbols exists. The blocks of a model are one, so
   without it no `least` symbols can match, and no block need be looked for. True where the view has
   no masks to tell. */
bool kato_may_match(const struct kato_view *view, const struct kato_hits *hits,
                    struct kato_notes *notes, uint32_t least);

#endif
