/* Where one model stands among those that a state keeps. */

#ifndef KATO_STANDING_H
#define KATO_STANDING_H

#include "ranking.h"

struct kato_standing {
    uint64_t kept;            /* how many models are kept, */
    kato_wide kept_frequency; /* and their frequencies together */
    uint64_t better;          /* how many of them come before the model, */
    bool is_kept;             /* if it is one of them */
};

/* Read lock held. Find out how the model `id` stands by `rank`, going over the kept models twice
   and holding none of them: the sum of frequencies must be known before any is weighed. False: no
   memory. */
bool kato_standing_find(struct kato_standing *standing, struct kato_desk *desk,
                        const struct kato_memory *memory, double threshold, enum kato_rank rank,
                        uint32_t id);

#endif
