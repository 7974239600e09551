/* Arithmetic that gives the same digits as Python's: exact sums, quotients of large whole numbers,
   and rounding to twelve decimals. */

#ifndef KATO_EXACT_H
#define KATO_EXACT_H

#include <stdbool.h>
#include <stdint.h>

#if !defined(__GNUC__) || !defined(__SIZEOF_INT128__)
#error "needs 128-bit integers and the built-ins of GCC or Clang; without them Python serves"
#endif

/* Sums of frequencies: each is less than 2^63, and there may be 2^32 of them for 2^32 symbols. */
__extension__ typedef unsigned __int128 kato_wide;

/* A sum of doubles without any rounding, held as a few doubles that do not overlap: more than 40
   there cannot be, since each takes 53 bits of the 2,098 that a double can reach. */
struct kato_sum {
    int parts;
    double part[48];
};

/* Add a term. Each part takes what it can of it, and what is too small for that part stays behind
   as a smaller one. */
static inline void kato_sum_add(struct kato_sum *sum, double term)
{
    int kept = 0;
    for (int i = 0; i < sum->parts; i++) {
        double part = sum->part[i];
        double high = term + part;
        double shift = high - term;
        double low = (term - (high - shift)) + (part - shift);
        if (low != 0.0)
            sum->part[kept++] = low;
        term = high;
    }
    if (term != 0.0)
        sum->part[kept++] = term;
    sum->parts = kept;
}

/* The sum, rounded once: what Python's math.fsum gives for the same terms, in any order. */
double kato_sum_total(const struct kato_sum *sum);

/* a / b rounded once, as Python divides whole numbers; neither is 0, both are below 2^120. */
double kato_long_ratio(kato_wide a, kato_wide b);

static inline double kato_ratio(kato_wide a, kato_wide b)
{
    const kato_wide exact = (kato_wide)1 << 53;
    if ((a | b) < exact)
        return (double)(uint64_t)a / (double)(uint64_t)b;
    return kato_long_ratio(a, b);
}

/* What Python's round(value, 12) + 0.0 gives, for values between -9000 and 9000. */
double kato_rounded(double value);

#endif
