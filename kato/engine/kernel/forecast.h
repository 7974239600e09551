/* What comes next, from all kept models together (SPEC 3). */

#ifndef KATO_FORECAST_H
#define KATO_FORECAST_H

#include "kept.h"

/* One entry. Its event is copied, as codes. */
struct kato_expected {
    const uint32_t *code;
    uint32_t length;
    double share;
    uint64_t models;
    kato_wide frequency;
};

struct kato_forecast {
    struct kato_expected *entry; /* highest share first, those of equal share in no order */
    size_t count;                /* all entries, or the best `limit` and those of equal share */
    uint32_t *held;
};

/* Read lock held. The best `limit` entries, at least 1, by the models that are kept by the state at
   the desk; false: no memory. In any case kato_forecast_end is to be called. */
bool kato_forecast_make(struct kato_forecast *forecast, struct kato_desk *desk,
                        const struct kato_memory *memory, double threshold, size_t limit);
void kato_forecast_end(struct kato_forecast *forecast);

#endif
