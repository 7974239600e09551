#include "contest.h"

#include <math.h>
#include <string.h>

#include "alloc.h"

enum { FEWEST = 256 };

void kato_contest_start(struct kato_contest *contest, struct kato_desk *desk,
                        const struct kato_memory *memory, enum kato_rank rank, uint32_t most)
{
    memset(contest, 0, sizeof *contest);
    contest->desk = desk;
    contest->memory = memory;
    contest->rank = rank;
    contest->enough = 4 * (size_t)most > FEWEST ? 4 * (size_t)most : FEWEST;
    contest->bar = -INFINITY;
    /* More than rounding can move a value. */
    contest->slack = rank == KATO_BY_ITFDF ? 4e-12 * (double)memory->total : 1e-9;
    contest->top.memory = memory;
    contest->top.most = most;
}

void kato_contest_end(struct kato_contest *contest)
{
    kato_free(contest->contender);
    kato_free(contest->scratch);
    kato_free(contest->top.entry);
}

static double distance_of(struct kato_desk *desk, const struct kato_memory *memory,
                          const struct kato_kept *kept)
{
    const uint32_t *words = memory->words + memory->start[kept->id];
    return kato_distance(desk, memory, words + kept->start, kept->end - kept->start);
}

double kato_itfdf(struct kato_desk *desk, const struct kato_memory *memory,
                  const struct kato_kept *kept, kato_wide kept_frequency)
{
    double distance = distance_of(desk, memory, kept);
    return 1.0 - distance * (double)kept->frequency / (double)kept_frequency;
}

static double confluence_of(const struct kato_memory *memory, const struct kato_kept *kept)
{
    const uint32_t *words = memory->words + memory->start[kept->id];
    double product = 1.0;
    for (uint32_t i = kept->start; i < kept->end; i++)
        product *= kato_probability(memory, KATO_CODE(words[i]));
    return kato_ratio(kept->frequency, memory->total) * (1.0 - product);
}

/* The value of a model by what needs no cosine. */
static double plain_value(const struct kato_desk *desk, const struct kato_memory *memory,
                          enum kato_rank rank, const struct kato_kept *kept)
{
    struct kato_counts counts = kato_counts_of(desk, kept);
    switch (rank) {
    case KATO_BY_SIMILARITY:
        return kato_rounded(kato_similarity(counts));
    case KATO_BY_EVIDENCE:
        return kato_rounded(kato_evidence(counts));
    case KATO_BY_CONFIDENCE:
        return kato_rounded(kato_confidence(counts));
    case KATO_BY_SNR:
        return kato_rounded(kato_snr(counts));
    case KATO_BY_CONFLUENCE:
        return kato_rounded(confluence_of(memory, kept));
    case KATO_BY_FRAGMENTATION:
        return -(double)kept->blocks;
    default:
        return (double)kept->frequency;
    }
}

double kato_value(struct kato_desk *desk, const struct kato_memory *memory, enum kato_rank rank,
                  const struct kato_kept *kept, kato_wide kept_frequency)
{
    if (rank != KATO_BY_POTENTIAL && rank != KATO_BY_ITFDF)
        return plain_value(desk, memory, rank, kept);
    double itfdf = kato_itfdf(desk, memory, kept, kept_frequency);
    if (rank == KATO_BY_ITFDF)
        return kato_rounded(itfdf);
    return kato_rounded(kato_potential(kato_counts_of(desk, kept), itfdf));
}

/* The value of which each contender is at least sure. The sum of frequencies can only grow, so what
   it says now holds at the end. The itfdf_similarity is highest where distance times frequency is
   lowest, whatever the sum, so that product itself is the value in this contest. */
static double lowest(const struct kato_contest *contest, const struct kato_contender *contender)
{
    if (contest->rank == KATO_BY_ITFDF)
        return contender->highest;
    return contender->highest
           - (double)contender->kept.frequency / (double)contest->kept_frequency;
}

/* Put the value that is n-th from the top, from 1, in its place in falling order. */
static double nth_highest(double *value, size_t count, size_t n)
{
    size_t low = 0, high = count - 1, goal = n - 1;
    while (low < high) {
        double pivot = value[low + (high - low) / 2];
        size_t i = low, j = high;
        while (i <= j) {
            while (value[i] > pivot)
                i++;
            while (value[j] < pivot)
                j--;
            if (i > j)
                break;
            double swapped = value[i];
            value[i++] = value[j];
            value[j] = swapped;
            if (j-- == 0)
                break;
        }
        if (goal <= j && j < high)
            high = j;
        else if (goal >= i)
            low = i;
        else
            break;
    }
    return value[goal];
}

/* Raise the bar to what the best are sure of, and drop who cannot reach it. */
static bool prune(struct kato_contest *contest)
{
    size_t count = contest->contenders, left = 0;
    if (count <= contest->top.most)
        return true;
    if (!KATO_ROOM(contest->scratch, contest->scratch_room, count))
        return false;
    for (size_t i = 0; i < count; i++)
        contest->scratch[i] = lowest(contest, &contest->contender[i]);
    double bar = nth_highest(contest->scratch, count, contest->top.most);
    if (bar > contest->bar)
        contest->bar = bar;
    for (size_t i = 0; i < count; i++)
        if (contest->contender[i].highest >= contest->bar - contest->slack)
            contest->contender[left++] = contest->contender[i];
    contest->contenders = left;
    if (left > contest->enough / 2)
        contest->enough = 2 * left;
    return true;
}

bool kato_contest_take(void *context, const struct kato_kept *kept)
{
    struct kato_contest *contest = context;
    contest->kept++;
    contest->kept_frequency += kept->frequency;
    double highest;
    if (contest->rank == KATO_BY_POTENTIAL)
        highest = kato_potential(kato_counts_of(contest->desk, kept), 1.0);
    else if (contest->rank == KATO_BY_ITFDF)
        highest = -(distance_of(contest->desk, contest->memory, kept) * (double)kept->frequency);
    else {
        struct kato_entry entry = {
            *kept, plain_value(contest->desk, contest->memory, contest->rank, kept), NAN};
        return kato_top_offer(&contest->top, &entry);
    }
    if (highest < contest->bar - contest->slack)
        return true;
    if (contest->contenders >= contest->enough && !prune(contest))
        return false;
    if (!KATO_ROOM(contest->contender, contest->contender_room, contest->contenders + 1))
        return false;
    __builtin_prefetch(&contest->memory->name_start[kept->id]); /* of the winners */
    contest->contender[contest->contenders++] = (struct kato_contender){*kept, highest};
    return true;
}

bool kato_contest_decide(struct kato_contest *contest)
{
    if (!prune(contest))
        return false;
    for (size_t i = 0; i < contest->contenders; i++) {
        const struct kato_kept *kept = &contest->contender[i].kept;
        struct kato_entry entry = {.kept = *kept};
        size_t size;
        __builtin_prefetch(kato_name(contest->memory, kept->id, &size));
        entry.itfdf = kato_itfdf(contest->desk, contest->memory, kept, contest->kept_frequency);
        entry.value = entry.itfdf;
        if (contest->rank == KATO_BY_POTENTIAL)
            entry.value = kato_potential(kato_counts_of(contest->desk, kept), entry.itfdf);
        entry.value = kato_rounded(entry.value);
        if (!kato_top_offer(&contest->top, &entry))
            return false;
    }
    kato_top_sort(&contest->top);
    for (size_t i = 0; i < contest->top.count; i++) {
        struct kato_entry *entry = &contest->top.entry[i];
        if (isnan(entry->itfdf))
            entry->itfdf = kato_itfdf(contest->desk, contest->memory, &entry->kept,
                                      contest->kept_frequency);
    }
    return true;
}
