/* The best few of very many, in the order of SPEC 3: by value, then by frequency, then by name. */

#ifndef KATO_TOP_H
#define KATO_TOP_H

#include "kept.h"

struct kato_entry {
    struct kato_kept kept;
    double value; /* highest first */
    double itfdf; /* its itfdf_similarity, not a number where nobody has asked for it */
};

struct kato_top {
    const struct kato_memory *memory;
    struct kato_entry *entry; /* a heap, the worst first */
    size_t count, room, most;
};

/* Whether `a` comes before `b`: no two models are equal in this. */
bool kato_is_better(const struct kato_memory *memory, const struct kato_entry *a,
                    const struct kato_entry *b);

/* Offer an entry, which is kept if it is among the best so far; false: no memory. */
bool kato_top_offer(struct kato_top *top, const struct kato_entry *entry);

/* Put the entries in order, the best first; then no more can be offered. */
void kato_top_sort(struct kato_top *top);

#endif
