#include "forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "contest.h"

struct voter {
    struct kato_kept kept;
    double weight;
    uint32_t event; /* the number of the event it votes for */
};

struct poll {
    struct kato_desk *desk;
    const struct kato_memory *memory;
    kato_wide kept_frequency;
    bool reached; /* some match reaches now, so that only such models vote */
    struct voter *voter;
    size_t voters, voter_room;
    uint32_t *event; /* by number: a voter for it, by which it is known */
    uint32_t *slot;  /* a hash table of event numbers */
    size_t events, event_room, slots;
};

static bool take(void *context, const struct kato_kept *kept)
{
    struct poll *poll = context;
    bool reaches = kept->state_end == poll->desk->view.length;
    poll->kept_frequency += kept->frequency;
    if (kept->end == kept->length || (poll->reached && !reaches))
        return true;
    if (reaches && !poll->reached) {
        poll->reached = true;
        poll->voters = 0;
    }
    if (poll->voters == UINT32_MAX
        || !KATO_ROOM(poll->voter, poll->voter_room, poll->voters + 1))
        return false;
    poll->voter[poll->voters++] = (struct voter){.kept = *kept};
    return true;
}

/* frequency x max(potential, 0)^8. Where the potential cannot be above 0, no cosine is needed. */
static double weight_of(const struct poll *poll, const struct kato_kept *kept)
{
    struct kato_counts counts = kato_counts_of(poll->desk, kept);
    if (kato_potential(counts, 1.0) < -1e-9)
        return 0.0;
    double itfdf = kato_itfdf(poll->desk, poll->memory, kept, poll->kept_frequency);
    double potential = kato_rounded(kato_potential(counts, itfdf));
    return (double)kept->frequency * pow(potential > 0.0 ? potential : 0.0, 8.0);
}

/* The first future event of a kept model, as words. */
static const uint32_t *event_of(const struct kato_memory *memory, const struct kato_kept *kept,
                                size_t *length)
{
    const uint32_t *words = memory->words + memory->start[kept->id];
    uint32_t end = kept->end + 1;
    while (end < kept->length && !(words[end] & KATO_FIRST))
        end++;
    *length = end - kept->end;
    return words + kept->end;
}

/* The number of the event that a voter votes for, which is a new one if nobody did so far. */
static void vote(struct poll *poll, uint32_t number)
{
    size_t length, other_length;
    const struct kato_memory *memory = poll->memory;
    struct voter *voter = &poll->voter[number];
    const uint32_t *words = event_of(memory, &voter->kept, &length);
    size_t i = kato_hash_words(words, length, memory->seed) & (poll->slots - 1);
    for (; poll->slot[i] != KATO_NONE; i = (i + 1) & (poll->slots - 1)) {
        const struct voter *first = &poll->voter[poll->event[poll->slot[i]]];
        const uint32_t *other = event_of(memory, &first->kept, &other_length);
        if (length == other_length && memcmp(words, other, length * sizeof *words) == 0)
            break;
    }
    if (poll->slot[i] == KATO_NONE) {
        poll->event[poll->events] = number;
        poll->slot[i] = (uint32_t)poll->events++;
    }
    voter->event = poll->slot[i];
}

static bool count_votes(struct poll *poll)
{
    poll->slots = 16;
    while (poll->slots < 2 * poll->voters)
        poll->slots *= 2;
    poll->slot = kato_resized(NULL, poll->slots, sizeof *poll->slot);
    if (poll->slot == NULL || !KATO_ROOM(poll->event, poll->event_room, poll->voters))
        return false;
    memset(poll->slot, 0xff, poll->slots * sizeof *poll->slot);
    for (size_t i = 0; i < poll->voters; i++) {
        poll->voter[i].weight = weight_of(poll, &poll->voter[i].kept);
        vote(poll, (uint32_t)i);
    }
    return true;
}

static int by_event(const void *a, const void *b)
{
    uint32_t first = ((const struct voter *)a)->event, second = ((const struct voter *)b)->event;
    return (first > second) - (first < second);
}

static int by_share(const void *a, const void *b)
{
    double first = ((const struct kato_expected *)a)->share;
    double second = ((const struct kato_expected *)b)->share;
    return (first < second) - (first > second);
}

/* One entry for each event, from the voters for it, which stand together. */
static bool tally(struct poll *poll, struct kato_forecast *forecast)
{
    struct kato_sum whole = {0};
    forecast->entry = kato_zeroed(poll->events, sizeof *forecast->entry);
    if (forecast->entry == NULL)
        return false;
    qsort(poll->voter, poll->voters, sizeof *poll->voter, by_event);
    for (size_t i = 0; i < poll->voters; i++)
        kato_sum_add(&whole, poll->voter[i].weight);
    double total = kato_sum_total(&whole);
    if (total == 0.0)
        return true;
    for (size_t i = 0, j; i < poll->voters; i = j) {
        struct kato_expected *entry = &forecast->entry[forecast->count++];
        struct kato_sum sum = {0};
        for (j = i; j < poll->voters && poll->voter[j].event == poll->voter[i].event; j++) {
            kato_sum_add(&sum, poll->voter[j].weight);
            entry->frequency += poll->voter[j].kept.frequency;
        }
        size_t length;
        entry->code = event_of(poll->memory, &poll->voter[i].kept, &length);
        entry->length = (uint32_t)length;
        entry->models = j - i;
        entry->share = kato_rounded(kato_sum_total(&sum) / total);
    }
    return true;
}

/* Keep the best, with those that share the last place, and copy their events. */
static bool keep_best(struct kato_forecast *forecast, size_t limit)
{
    struct kato_expected *entry = forecast->entry;
    qsort(entry, forecast->count, sizeof *entry, by_share);
    size_t words = 0, count = forecast->count;
    if (count > limit)
        for (count = limit; count < forecast->count; count++)
            if (entry[count].share != entry[limit - 1].share)
                break;
    forecast->count = count;
    for (size_t i = 0; i < count; i++)
        words += entry[i].length;
    uint32_t *held = forecast->held = kato_resized(NULL, words, sizeof *held);
    if (held == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t w = 0; w < entry[i].length; w++)
            held[w] = KATO_CODE(entry[i].code[w]);
        entry[i].code = held;
        held += entry[i].length;
    }
    return true;
}

bool kato_forecast_make(struct kato_forecast *forecast, struct kato_desk *desk,
                        const struct kato_memory *memory, double threshold, size_t limit)
{
    struct poll poll = {.desk = desk, .memory = memory};
    *forecast = (struct kato_forecast){0};
    bool made = kato_each_kept(desk, memory, threshold, take, &poll);
    if (made && poll.voters)
        made = count_votes(&poll) && tally(&poll, forecast) && keep_best(forecast, limit);
    kato_free(poll.voter);
    kato_free(poll.event);
    kato_free(poll.slot);
    return made;
}

void kato_forecast_end(struct kato_forecast *forecast)
{
    kato_free(forecast->entry);
    kato_free(forecast->held);
}
