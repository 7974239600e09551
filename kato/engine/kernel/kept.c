#include "kept.h"

/* The fewest matched symbols by which a model of this length is kept. The division is the one that
   SPEC 3 compares with the threshold, so the guess from which it starts may be rough. */
static uint32_t needed(double threshold, uint32_t length, uint32_t state)
{
    double both = (double)length + (double)state;
    double guess = threshold * both / 2.0;
    uint32_t least = guess < 2.0 ? 1 : guess > 4e9 ? UINT32_MAX - 1 : (uint32_t)guess - 1;
    while (2.0 * (double)least / both < threshold && least < UINT32_MAX)
        least++;
    return least;
}

struct search {
    struct kato_desk *desk;
    const struct kato_memory *memory;
    double threshold;
    uint32_t known_length, known_needed; /* what was worked out last */
    kato_taker *take;
    void *context;
};

static uint32_t needed_of(struct search *search, uint32_t length)
{
    if (length != search->known_length) {
        search->known_length = length;
        search->known_needed = needed(search->threshold, length, search->desk->view.length);
    }
    return search->known_needed;
}

/* The hits of a model. Each word is written down, and the next overwrites it unless it was a hit:
   a branch would be guessed wrongly half of the time. */
#define FIND_HITS(slots)                                                       \
    do {                                                                       \
        for (uint32_t i = 0; i < length; i++) {                                \
            uint32_t slot = (slots)[KATO_CODE(words[i])];                      \
            desk->where[count] = i;                                            \
            desk->slot[count] = slot;                                          \
            count += slot != 0;                                                \
        }                                                                      \
    } while (0)

static struct kato_hits find_hits(struct kato_desk *desk, const uint32_t *words, uint32_t length)
{
    uint32_t count = 0;
    if (desk->view.length <= KATO_SHORT)
        FIND_HITS(desk->short_slot);
    else
        FIND_HITS(desk->long_slot);
#if KATO_PLANT == 1
    /* A planted fault, by which the tests see that AddressSanitizer would find a real one. */
    count += desk->where[desk->where_room] == 1;
#elif KATO_PLANT == 2
    /* The same for UndefinedBehaviorSanitizer. */
    volatile int most = INT32_MAX;
    count += (most + (int)length) == 0;
#endif
    return (struct kato_hits){desk->where, desk->slot, count};
}

/* The blocks of a model, unless it is certain that they are too few. */
static bool matches(struct search *search, const uint32_t *words, uint32_t length, uint32_t least,
                    struct kato_shape *shape)
{
    struct kato_desk *desk = search->desk;
    struct kato_hits hits = find_hits(desk, words, length);
    if (desk->view.length <= KATO_SHORT)
        kato_blocks_short(&desk->view, &hits, &desk->notes, shape);
    else if (kato_may_match(&desk->view, &hits, &desk->notes, least))
        kato_blocks(&desk->view, &hits, &desk->notes, NULL, shape);
    else
        return false;
    return shape->matched >= least;
}

static bool consider(struct search *search, uint32_t id, uint32_t count, bool counted)
{
    const struct kato_memory *memory = search->memory;
    uint64_t frequency = memory->frequency[id];
    if (frequency == 0)
        return true;
    uint32_t length = kato_length(memory, id);
    uint32_t least = needed_of(search, length);
    const uint32_t *words = memory->words + memory->start[id];
    struct kato_shape shape;
    if ((counted && count < least) || !matches(search, words, length, least, &shape))
        return true;
    struct kato_kept kept = {.id = id, .length = length, .matched = shape.matched,
                             .blocks = shape.blocks, .start = shape.first, .end = shape.last + 1,
                             .state_end = shape.end, .frequency = frequency};
    while (!(words[kept.start] & KATO_FIRST))
        kept.start--;
    while (kept.end < length && !(words[kept.end] & KATO_FIRST))
        kept.end++;
    return search->take(search->context, &kept);
}

/* Count by all postings that the state's symbols have, one for each time they stand in it. */
static bool start_counting(struct search *search, uint32_t least)
{
    const struct kato_memory *memory = search->memory;
    struct kato_desk *desk = search->desk;
    kato_counting_start(&desk->counting, memory->ids, least);
    for (uint32_t slot = 1; slot <= desk->view.slots; slot++) {
        const struct kato_posting *posting = &memory->first[desk->code[slot]];
        uint32_t times = kato_view_count(&desk->view, slot);
        for (uint32_t i = 0; i < times; i++) {
            if (!kato_counting_put(&desk->counting, posting))
                return false;
            if (posting->next == 0)
                break;
            posting = &memory->more[posting->next];
        }
    }
    return true;
}

/* Models that share symbols with the state lie anywhere in memory: what is needed of the next ones is
   asked for while others are matched, first where their words begin, then these. */
enum { NEAR = 6, FAR = 12 };

static inline void fetch_start(const struct kato_memory *memory,
                               const struct kato_counting *counting, uint32_t i)
{
    if (i < counting->found) {
        __builtin_prefetch(&memory->start[counting->id[i]]);
        __builtin_prefetch(&memory->frequency[counting->id[i]]);
    }
}

static inline void fetch_words(const struct kato_memory *memory,
                               const struct kato_counting *counting, uint32_t i)
{
    if (i < counting->found)
        __builtin_prefetch(&memory->words[memory->start[counting->id[i]]]);
}

static bool consider_found(struct search *search, bool counted)
{
    const struct kato_counting *counting = &search->desk->counting;
    for (uint32_t i = 0; i < FAR; i++)
        fetch_start(search->memory, counting, i);
    for (uint32_t i = 0; i < NEAR; i++)
        fetch_words(search->memory, counting, i);
    for (uint32_t i = 0; i < counting->found; i++) {
        fetch_start(search->memory, counting, i + FAR);
        fetch_words(search->memory, counting, i + NEAR);
        if (!consider(search, counting->id[i], counting->count[i], counted))
            return false;
    }
    return true;
}

bool kato_each_kept(struct kato_desk *desk, const struct kato_memory *memory, double threshold,
                    kato_taker *take, void *context)
{
    struct search search = {.desk = desk, .memory = memory, .threshold = threshold,
                            .take = take, .context = context};
    if (memory->ids == 0 || desk->view.slots == 0)
        return true;
    uint32_t least = needed(threshold, memory->shortest, desk->view.length);
    bool with_counts = needed(threshold, memory->longest, desk->view.length) > least;
    if (!start_counting(&search, least))
        return false;
    while (kato_counting_go_on(&desk->counting, with_counts))
        if (!consider_found(&search, with_counts))
            return false;
    return true;
}
