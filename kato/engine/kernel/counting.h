/* Which models share enough symbols with a state that they could match well enough.

   The postings of the state's symbols, each as often as it stands there, say of every model how many
   symbols it has in common with the state, exactly. That is never less than what matches, so a model
   with too low a count need not be looked at.

   Models are counted 64 at a time: plane p holds the bit of weight 2^p of all counts of a block of
   models, and a posting is added to 64 counts with a few operations on words. */

#ifndef KATO_COUNTING_H
#define KATO_COUNTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "posting.h"

enum {
    KATO_BLOCK = 16384, /* models counted at a time: all of it stays in the nearest cache */
    KATO_BLOCK_WORDS = KATO_BLOCK / 64,
    KATO_PLANES = 32
};

struct kato_listed {
    const uint32_t *at, *end; /* ids that are not yet counted */
};

struct kato_counting {
    const struct kato_posting **dense;
    struct kato_listed *listed;
    size_t dense_count, listed_count, dense_room, listed_room;
    uint32_t next;  /* the first id of the next block */
    uint32_t ids;   /* and the id after the last */
    uint32_t least; /* counts below this are of no interest */
    uint32_t planes, found;
    uint32_t *id;    /* [KATO_BLOCK]: those of the present block whose count is enough, */
    uint32_t *count; /* and their counts */
    uint64_t *plane; /* [KATO_PLANES + 1][KATO_BLOCK_WORDS]; the last is for carries */
};

bool kato_counting_room(struct kato_counting *counting);
void kato_counting_end(struct kato_counting *counting);

/* Begin anew, among models with ids below `ids`. */
void kato_counting_start(struct kato_counting *counting, uint32_t ids, uint32_t least);

/* Count the models of one more posting; false: no memory. */
bool kato_counting_put(struct kato_counting *counting, const struct kato_posting *posting);

/* Count the next block of models that has any; false: there is none. What is found stands in `id`,
   rising, and, where asked for, in `count`. */
bool kato_counting_go_on(struct kato_counting *counting, bool with_counts);

#endif
