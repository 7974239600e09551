#include "counting.h"

#include <string.h>

#include "alloc.h"

bool kato_counting_room(struct kato_counting *counting)
{
    const size_t words = (size_t)(KATO_PLANES + 1) * KATO_BLOCK_WORDS;
    if (counting->id == NULL)
        counting->id = kato_resized(NULL, KATO_BLOCK, sizeof *counting->id);
    if (counting->count == NULL)
        counting->count = kato_resized(NULL, KATO_BLOCK, sizeof *counting->count);
    if (counting->plane == NULL)
        counting->plane = kato_resized(NULL, words, sizeof *counting->plane);
    return counting->id && counting->count && counting->plane;
}

void kato_counting_end(struct kato_counting *counting)
{
    kato_free(counting->dense);
    kato_free(counting->listed);
    kato_free(counting->id);
    kato_free(counting->count);
    kato_free(counting->plane);
}

void kato_counting_start(struct kato_counting *counting, uint32_t ids, uint32_t least)
{
    counting->dense_count = counting->listed_count = 0;
    counting->next = 0;
    counting->ids = ids;
    counting->least = least;
}

bool kato_counting_put(struct kato_counting *counting, const struct kato_posting *posting)
{
    if (posting->kind == KATO_BITS) {
        if (!KATO_ROOM(counting->dense, counting->dense_room, counting->dense_count + 1))
            return false;
        counting->dense[counting->dense_count++] = posting;
        return true;
    }
    if (!KATO_ROOM(counting->listed, counting->listed_room, counting->listed_count + 1))
        return false;
    const uint32_t *ids = kato_posting_ids(posting);
    __builtin_prefetch(ids);
    counting->listed[counting->listed_count++] = (struct kato_listed){ids, ids + posting->count};
    return true;
}

static uint64_t *plane_of(struct kato_counting *counting, uint32_t p)
{
    return counting->plane + (size_t)p * KATO_BLOCK_WORDS;
}

/* Binary addition of one bit to each count, all words of a plane after each other. */
static void add_dense(struct kato_counting *counting, const uint64_t *bits, size_t words,
                      uint32_t planes)
{
    uint64_t *carry = plane_of(counting, KATO_PLANES);
    memcpy(carry, bits, words * sizeof *bits);
    for (uint32_t p = 0; p < planes; p++) {
        uint64_t *plane = plane_of(counting, p);
        for (size_t w = 0; w < words; w++) {
            uint64_t sum = plane[w] ^ carry[w];
            carry[w] &= plane[w];
            plane[w] = sum;
        }
    }
}

static uint32_t bit_length(size_t value)
{
    return value ? 64 - (uint32_t)__builtin_clzll(value) : 0;
}

static void count_dense(struct kato_counting *counting, uint32_t from)
{
    size_t first = from / 64;
    for (size_t i = 0; i < counting->dense_count; i++) {
        const struct kato_posting *posting = counting->dense[i];
        if (posting->room <= first)
            continue;
        size_t words = posting->room - first;
        if (words > KATO_BLOCK_WORDS)
            words = KATO_BLOCK_WORDS;
        add_dense(counting, posting->at.bits + first, words, bit_length(i + 1));
    }
}

static void count_listed(struct kato_counting *counting, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < counting->listed_count; i++) {
        struct kato_listed *listed = &counting->listed[i];
        const uint32_t *at = listed->at, *end = listed->end;
        for (; at < end && *at < to; at++) {
            uint32_t bit = *at - from;
            uint64_t *plane = counting->plane + bit / 64;
            uint64_t carry = UINT64_C(1) << bit % 64;
            for (; carry; plane += KATO_BLOCK_WORDS) {
                uint64_t sum = *plane ^ carry;
                carry &= *plane;
                *plane = sum;
            }
        }
        __builtin_prefetch(at + 16); /* where the next block goes on */
        listed->at = at;
    }
}

/* The counts of one word that are at least `least`: compared from the highest bit down, a count is
   above it where it first has a bit that `least` has not. */
static uint64_t enough(const struct kato_counting *counting, size_t w)
{
    uint64_t above = 0, equal = ~UINT64_C(0);
    for (uint32_t p = counting->planes; p-- > 0;) {
        uint64_t plane = counting->plane[(size_t)p * KATO_BLOCK_WORDS + w];
        if (counting->least >> p & 1)
            equal &= plane;
        else {
            above |= equal & plane;
            equal &= ~plane;
        }
    }
    return above | equal;
}

static uint32_t count_at(const struct kato_counting *counting, size_t w, int bit)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < counting->planes; p++)
        count |= (uint32_t)(counting->plane[(size_t)p * KATO_BLOCK_WORDS + w] >> bit & 1) << p;
    return count;
}

static void collect(struct kato_counting *counting, uint32_t from, size_t words, bool with_counts)
{
    uint32_t found = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t left = enough(counting, w);
        for (; left; left &= left - 1) {
            int bit = __builtin_ctzll(left);
            if (with_counts)
                counting->count[found] = count_at(counting, w, bit);
            counting->id[found++] = from + (uint32_t)(w * 64) + (uint32_t)bit;
        }
    }
    counting->found = found;
}

/* Where nothing is dense, blocks without any id are passed over. */
static uint32_t next_block(const struct kato_counting *counting)
{
    if (counting->dense_count)
        return counting->next;
    uint32_t lowest = UINT32_MAX;
    for (size_t i = 0; i < counting->listed_count; i++) {
        const struct kato_listed *listed = &counting->listed[i];
        if (listed->at < listed->end && *listed->at < lowest)
            lowest = *listed->at;
    }
    return lowest == UINT32_MAX ? counting->ids : lowest / KATO_BLOCK * KATO_BLOCK;
}

bool kato_counting_go_on(struct kato_counting *counting, bool with_counts)
{
    uint32_t from = next_block(counting);
    if (from >= counting->ids)
        return false;
    uint32_t to = counting->ids - from > KATO_BLOCK ? from + KATO_BLOCK : counting->ids;
    size_t words = ((size_t)(to - from) + 63) / 64;
    counting->planes = bit_length(counting->dense_count + counting->listed_count);
    if (counting->planes < bit_length(counting->least))
        return false;
    for (uint32_t p = 0; p < counting->planes; p++)
        memset(plane_of(counting, p), 0, words * sizeof(uint64_t));
    count_dense(counting, from);
    count_listed(counting, from, to);
    collect(counting, from, words, with_counts);
    counting->next = from + KATO_BLOCK < from ? UINT32_MAX : from + KATO_BLOCK;
    return true;
}
