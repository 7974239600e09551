#include "ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "contest.h"

/* One block of memory for all that the winners need: numbers first, then words, then bytes. */
struct copying {
    double *p;
    uint32_t *words;
    unsigned char *names;
};

static bool held_room(struct kato_ranking *ranking, const struct kato_top *top,
                      struct copying *copying)
{
    size_t numbers = 0, words = 0, names = 0;
    for (size_t i = 0; i < top->count; i++) {
        const struct kato_kept *kept = &top->entry[i].kept;
        size_t size;
        __builtin_prefetch(kato_name(top->memory, kept->id, &size));
        numbers += kept->end - kept->start;
        words += 2 * (size_t)kept->length;
        names += size;
    }
    unsigned char *held = kato_resized(
        NULL, numbers * sizeof *copying->p + words * sizeof *copying->words + names + 1, 1);
    ranking->held = held;
    ranking->winner = kato_zeroed(top->count, sizeof *ranking->winner);
    if (held == NULL || ranking->winner == NULL)
        return false;
    copying->p = (double *)(void *)held;
    copying->words = (uint32_t *)(void *)(copying->p + numbers);
    copying->names = (unsigned char *)(copying->words + words);
    return true;
}

static void copy_winner(struct kato_winner *winner, const struct kato_entry *entry,
                        const struct kato_desk *desk, const struct kato_memory *memory,
                        struct copying *copying)
{
    const struct kato_kept *kept = &entry->kept;
    const uint32_t *words = memory->words + memory->start[kept->id];
    uint32_t *slot = copying->words + kept->length;
    *winner = (struct kato_winner){.counts = kato_counts_of(desk, kept), .start = kept->start,
                                   .end = kept->end, .frequency = kept->frequency,
                                   .itfdf = entry->itfdf, .words = copying->words, .slot = slot,
                                   .p = copying->p, .name = copying->names};
    memcpy(copying->words, words, kept->length * sizeof *words);
    for (uint32_t i = 0; i < kept->length; i++)
        slot[i] = kato_slot(desk, KATO_CODE(words[i]));
    for (uint32_t i = kept->start; i < kept->end; i++)
        *copying->p++ = kato_probability(memory, KATO_CODE(words[i]));
    copying->words = slot + kept->length;
    const unsigned char *name = kato_name(memory, kept->id, &winner->name_size);
    memcpy(copying->names, name, winner->name_size);
    copying->names += winner->name_size;
}

static bool copy_all(struct kato_ranking *ranking, const struct kato_contest *contest)
{
    const struct kato_memory *memory = contest->memory;
    struct copying copying;
    ranking->kept = contest->kept;
    ranking->symbols = memory->symbols;
    ranking->total = memory->total;
    if (!kato_view_copy(&ranking->view, &contest->desk->view)
        || !held_room(ranking, &contest->top, &copying))
        return false;
    ranking->count = (uint32_t)contest->top.count;
    for (uint32_t i = 0; i < ranking->count; i++)
        copy_winner(&ranking->winner[i], &contest->top.entry[i], contest->desk, memory, &copying);
    return true;
}

struct kato_ranking *kato_ranking_new(struct kato_desk *desk, const struct kato_memory *memory,
                                      double threshold, enum kato_rank rank, uint32_t most)
{
    struct kato_contest contest;
    struct kato_ranking *ranking = kato_zeroed(1, sizeof *ranking);
    if (ranking == NULL)
        return NULL;
    kato_contest_start(&contest, desk, memory, rank, most);
    bool done = kato_each_kept(desk, memory, threshold, kato_contest_take, &contest)
                && kato_contest_decide(&contest) && copy_all(ranking, &contest);
    kato_contest_end(&contest);
    if (done)
        return ranking;
    kato_ranking_free(ranking);
    return NULL;
}

void kato_ranking_free(struct kato_ranking *ranking)
{
    kato_view_end(&ranking->view);
    kato_free(ranking->winner);
    kato_free(ranking->held);
    kato_free(ranking);
}

struct kato_block *kato_winner_blocks(const struct kato_ranking *ranking, uint32_t place,
                                      uint32_t *count)
{
    const struct kato_winner *winner = &ranking->winner[place];
    uint32_t length = winner->counts.length;
    struct kato_hits hits = {kato_resized(NULL, length, sizeof *hits.where),
                             kato_resized(NULL, length, sizeof *hits.slot), 0};
    struct kato_block *block = kato_resized(NULL, winner->counts.blocks, sizeof *block);
    struct kato_notes notes = {0};
    struct kato_shape shape;
    bool room = hits.where && hits.slot && block
                && kato_notes_room(&notes, ranking->view.length, length);
    if (room) {
        for (uint32_t i = 0; i < length; i++)
            if (winner->slot[i]) {
                hits.where[hits.count] = i;
                hits.slot[hits.count++] = winner->slot[i];
            }
        kato_blocks(&ranking->view, &hits, &notes, block, &shape);
        *count = shape.blocks;
    } else {
        kato_free(block);
        block = NULL;
    }
    kato_free(hits.where);
    kato_free(hits.slot);
    kato_notes_end(&notes);
    return block;
}

/* A present symbol, for grouping equal ones. */
struct present {
    uint32_t code;
    double p;
};

static int by_code(const void *a, const void *b)
{
    uint32_t first = ((const struct present *)a)->code, second = ((const struct present *)b)->code;
    return (first > second) - (first < second);
}

static struct present *grouped(const struct kato_winner *winner)
{
    uint32_t count = winner->counts.present;
    struct present *present = kato_resized(NULL, count, sizeof *present);
    if (present == NULL)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        present[i].code = KATO_CODE(winner->words[winner->start + i]);
        present[i].p = winner->p[i];
    }
    qsort(present, count, sizeof *present, by_code);
    return present;
}

static double entropy(const struct kato_winner *winner)
{
    struct kato_sum sum = {0};
    for (uint32_t i = 0; i < winner->counts.present; i++)
        kato_sum_add(&sum, -winner->p[i] * log2(winner->p[i]));
    return kato_sum_total(&sum);
}

/* hamiltonian and grand_hamiltonian go over the distinct symbols, the former counting each as often
   as it stands there. */
static void hamiltonians(const struct kato_winner *winner, const struct present *present,
                         double log_symbols, double numbers[2])
{
    struct kato_sum own = {0}, grand = {0};
    uint32_t count = winner->counts.present;
    for (uint32_t i = 0, j; i < count; i = j) {
        for (j = i + 1; j < count && present[j].code == present[i].code; j++)
            ;
        double q = (double)(j - i) / (double)count, p = present[i].p;
        double term = -q * (log(q) / log_symbols);
        for (uint32_t times = i; times < j; times++)
            kato_sum_add(&own, term);
        kato_sum_add(&grand, -p * (log(p) / log_symbols));
    }
    numbers[0] = kato_sum_total(&own);
    numbers[1] = kato_sum_total(&grand);
}

static double confluence(const struct kato_ranking *ranking, const struct kato_winner *winner)
{
    double product = 1.0;
    for (uint32_t i = 0; i < winner->counts.present; i++)
        product *= winner->p[i];
    return kato_ratio(winner->frequency, ranking->total) * (1.0 - product);
}

bool kato_winner_numbers(const struct kato_ranking *ranking, uint32_t place,
                         double numbers[KATO_NUMBERS])
{
    const struct kato_winner *winner = &ranking->winner[place];
    struct present *present = grouped(winner);
    if (present == NULL)
        return false;
    numbers[0] = kato_similarity(winner->counts);
    numbers[1] = kato_evidence(winner->counts);
    numbers[2] = kato_confidence(winner->counts);
    numbers[3] = kato_snr(winner->counts);
    numbers[4] = (double)winner->counts.blocks - 1.0;
    numbers[5] = entropy(winner);
    numbers[6] = numbers[7] = 0.0;
    if (ranking->symbols >= 2)
        hamiltonians(winner, present, log((double)ranking->symbols), &numbers[6]);
    numbers[8] = confluence(ranking, winner);
    numbers[9] = winner->itfdf;
    numbers[10] = kato_potential(winner->counts, winner->itfdf);
    kato_free(present);
    return true;
}
