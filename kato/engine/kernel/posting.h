/* A posting: which models have a symbol at least so many times.

   Ids only ever come in rising order, and those of forgotten models stay until all is compacted.
   One or two ids lie in the posting itself; more are a sorted list; and where more than one model
   in 32 is in it, a bit for each model takes less room than a list of them, and is counted 64
   models at a time. */

#ifndef KATO_POSTING_H
#define KATO_POSTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kato_posting_kind { KATO_FEW, KATO_LIST, KATO_BITS };

struct kato_posting {
    union {
        uint32_t few[2];
        uint32_t *list;
        uint64_t *bits;
    } at;
    uint32_t count; /* how many ids */
    uint32_t room;  /* of the list in ids, of the bits in words of 64 */
    uint32_t next;  /* the posting of one more occurrence of the symbol, 0: there is none */
    uint32_t kind;
};

/* Make room for `id`, which is higher than all in it; false where there is no memory. */
bool kato_posting_room(struct kato_posting *posting, uint32_t id);

/* Put the id for which room was made. */
void kato_posting_put(struct kato_posting *posting, uint32_t id);

/* Make a list bits, if it pays among so many models and there is memory. */
void kato_posting_densify(struct kato_posting *posting, uint32_t models);

/* The ids of one that is not bits. */
static inline const uint32_t *kato_posting_ids(const struct kato_posting *posting)
{
    return posting->kind == KATO_FEW ? posting->at.few : posting->at.list;
}

size_t kato_posting_bytes(const struct kato_posting *posting);
void kato_posting_end(struct kato_posting *posting);

#endif
