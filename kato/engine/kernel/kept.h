/* The models that a state keeps: those with a block whose similarity reaches the threshold. */

#ifndef KATO_KEPT_H
#define KATO_KEPT_H

#include "desk.h"

/* A kept model, and what its blocks say of it. */
struct kato_kept {
    uint32_t id;
    uint32_t length;         /* symbols of the model */
    uint32_t matched, blocks;
    uint32_t start, end;     /* the places of the model's present events */
    uint32_t state_end;      /* the place in the state after the last block */
    uint64_t frequency;
};

/* What is done with each of them, rising by id; false: go no further. */
typedef bool kato_taker(void *context, const struct kato_kept *kept);

/* Read lock held. Find all models whose similarity to the state at the desk is at least
   `threshold`; false: a taker said so, or there is no memory. */
bool kato_each_kept(struct kato_desk *desk, const struct kato_memory *memory, double threshold,
                    kato_taker *take, void *context);

#endif
