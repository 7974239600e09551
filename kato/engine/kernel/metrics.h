/* The numbers of a prediction (SPEC 3) that follow from whole numbers alone, not rounded.

   Each is written in the order in which Python computes it, so that its digits are the same. */

#ifndef KATO_METRICS_H
#define KATO_METRICS_H

#include <stdint.h>

/* k symbols matched in so many blocks, of a model with `length` symbols of which `present` are in
   its present events, and of a state with `state` symbols. */
struct kato_counts {
    uint32_t matched, blocks, length, present, state;
};

static inline double kato_similarity(struct kato_counts c)
{
    return 2.0 * (double)c.matched / ((double)c.length + (double)c.state);
}

static inline double kato_evidence(struct kato_counts c)
{
    return (double)c.matched / (double)c.length;
}

static inline double kato_confidence(struct kato_counts c)
{
    return (double)c.matched / (double)c.present;
}

static inline double kato_snr(struct kato_counts c)
{
    double twice = 2.0 * (double)c.matched, extras = (double)c.state - (double)c.matched;
    return (twice - extras) / (twice + extras);
}

static inline double kato_potential(struct kato_counts c, double itfdf)
{
    return (kato_evidence(c) + kato_confidence(c)) * kato_snr(c) + itfdf + 1.0 / (double)c.blocks;
}

#endif
