/* Finds the best of the kept models without computing what only few of them need.

   The potential of a model holds a cosine, which takes longer than matching; and the sum of the
   frequencies of all kept models, which is only known at the end. But itfdf_similarity lies between
   1 - frequency / that sum and 1, so what is known of a model bounds its potential from both sides,
   and most are out of the contest by their bounds alone. */

#ifndef KATO_CONTEST_H
#define KATO_CONTEST_H

#include "ranking.h"
#include "top.h"

struct kato_contender {
    struct kato_kept kept;
    double highest; /* what its value can reach */
};

struct kato_contest {
    struct kato_desk *desk;
    const struct kato_memory *memory;
    enum kato_rank rank;
    uint64_t kept;            /* how many models are kept, */
    kato_wide kept_frequency; /* and their frequencies together */
    struct kato_contender *contender;
    double *scratch;
    size_t contenders, contender_room, scratch_room, enough;
    double bar, slack; /* who cannot reach `bar` - `slack` is out */
    struct kato_top top;
};

void kato_contest_start(struct kato_contest *contest, struct kato_desk *desk,
                        const struct kato_memory *memory, enum kato_rank rank, uint32_t most);

/* A kato_taker, whose context is the contest. */
bool kato_contest_take(void *contest, const struct kato_kept *kept);

/* All kept models were taken: leave the best in `top`, best first, each with its itfdf_similarity.
   False: no memory. */
bool kato_contest_decide(struct kato_contest *contest);

void kato_contest_end(struct kato_contest *contest);

/* 1 - D x frequency / all kept frequencies (SPEC 3). */
double kato_itfdf(struct kato_desk *desk, const struct kato_memory *memory,
                  const struct kato_kept *kept, kato_wide kept_frequency);

/* What a kept model is ranked by, highest first, rounded. */
double kato_value(struct kato_desk *desk, const struct kato_memory *memory, enum kato_rank rank,
                  const struct kato_kept *kept, kato_wide kept_frequency);

static inline struct kato_counts kato_counts_of(const struct kato_desk *desk,
                                                const struct kato_kept *kept)
{
    return (struct kato_counts){kept->matched, kept->blocks, kept->length,
                                kept->end - kept->start, desk->view.length};
}

#endif
