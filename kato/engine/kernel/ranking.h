/* The best of the models that a state keeps, copied out of the memory: a value that stays as it is
   whatever becomes of the models. */

#ifndef KATO_RANKING_H
#define KATO_RANKING_H

#include "kept.h"
#include "metrics.h"

enum kato_rank {
    KATO_BY_POTENTIAL,
    KATO_BY_SIMILARITY,
    KATO_BY_EVIDENCE,
    KATO_BY_CONFIDENCE,
    KATO_BY_SNR,
    KATO_BY_FREQUENCY,
    KATO_BY_CONFLUENCE,
    KATO_BY_ITFDF,
    KATO_BY_FRAGMENTATION,
    KATO_RANKS
};

struct kato_winner {
    struct kato_counts counts;
    uint32_t start, end; /* of its present events, in its words */
    uint64_t frequency;
    double itfdf;            /* its itfdf_similarity */
    const uint32_t *words;   /* [counts.length] */
    const uint32_t *slot;    /* the slots of these in the view */
    const double *p;         /* [counts.present]: p(s) of the present symbols */
    const unsigned char *name;
    size_t name_size;
};

struct kato_ranking {
    uint64_t kept;       /* how many models were kept, of which these are the best */
    uint32_t symbols;    /* N of SPEC 3 */
    kato_wide total;     /* the sum of the frequencies of all models */
    struct kato_view view;
    uint32_t count;
    struct kato_winner *winner; /* best first */
    void *held;                 /* what the pointers of the winners point into */
};

/* Read lock held. The best `most` models, at least 1, that are kept by the state at the desk; NULL:
   no memory. */
struct kato_ranking *kato_ranking_new(struct kato_desk *desk, const struct kato_memory *memory,
                                      double threshold, enum kato_rank rank, uint32_t most);
void kato_ranking_free(struct kato_ranking *ranking);

/* The blocks of a winner, in order: `count` of them, to be freed. NULL: no memory. */
struct kato_block *kato_winner_blocks(const struct kato_ranking *ranking, uint32_t place,
                                      uint32_t *count);

/* The float fields of a prediction, in the order of SPEC 3 from `similarity` to `potential`, not
   rounded. False: no memory. */
enum { KATO_NUMBERS = 11 };
bool kato_winner_numbers(const struct kato_ranking *ranking, uint32_t place,
                         double numbers[KATO_NUMBERS]);

#endif
