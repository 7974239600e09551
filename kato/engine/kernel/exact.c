#include "exact.h"

#include <math.h>

/* From the largest part down, the parts are added while nothing is lost. What is lost at last only
   matters where it lies exactly half way between two doubles, and the parts below it say which of
   the two is nearer. */
double kato_sum_total(const struct kato_sum *sum)
{
    int i = sum->parts;
    if (i == 0)
        return 0.0;
    double high = sum->part[--i], low = 0.0;
    while (i > 0 && low == 0.0) {
        double before = high, part = sum->part[--i];
        high = before + part;
        low = part - (high - before);
    }
    if (i > 0 && low != 0.0 && (low < 0.0) == (sum->part[i - 1] < 0.0)) {
        double twice = 2.0 * low;
        double further = high + twice;
        if (further - high == twice)
            high = further;
    }
    return high;
}

static int bits(kato_wide value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    if (high)
        return 128 - __builtin_clzll(high);
    return low ? 64 - __builtin_clzll(low) : 0;
}

/* Long division in binary: 55 bits of the quotient, of which the last two and whether anything
   remains decide how the 53 bits of a double are rounded, to even where it is undecided. */
double kato_long_ratio(kato_wide a, kato_wide b)
{
    int exponent = bits(a) - bits(b);
    if (exponent >= 0)
        b <<= exponent;
    else
        a <<= -exponent;
    if (a < b) {
        a <<= 1;
        exponent--;
    }
    uint64_t quotient = 0;
    for (int i = 0; i < 55; i++) {
        quotient <<= 1;
        if (a >= b) {
            a -= b;
            quotient |= 1;
        }
        a <<= 1;
    }
    uint64_t kept = quotient >> 2, rest = quotient & 3;
    if (rest > 2 || (rest == 2 && (a != 0 || (kept & 1))))
        kept++;
    return ldexp((double)kept, exponent - 52);
}

/* The upper half of a double's digits; the rest is its lower half. */
static double upper(double value)
{
    double scaled = value * 134217729.0; /* 2^27 + 1 */
    return scaled - (scaled - value);
}

double kato_rounded(double value)
{
    const double scale = 1e12;
    double high = value * scale;
    /* What that product lost, exactly: the product of the halves, less what is in `high`. */
    double a = upper(value), b = value - a, c = upper(scale), d = scale - c;
    double low = ((a * c - high) + a * d + b * c) + b * d;
    double whole = rint(high);
    double rest = high - whole;
    /* A half goes to the even number, which rint did, unless `low` says that it is not a half. */
    if (rest == 0.5 && low > 0.0)
        whole += 1.0;
    else if (rest == -0.5 && low < 0.0)
        whole -= 1.0;
    return whole / scale + 0.0;
}
