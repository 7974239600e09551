#include "blocks.h"

#include <string.h>

#include "alloc.h"

/* A step is to match a region, or, where `end` is 0, to tell of a block that was found. A region is
   the hits from `low` to before `high`, against the places of the state from `start` to before
   `end`. */
struct kato_step {
    uint32_t low, high, start, end;
};

bool kato_notes_room(struct kato_notes *notes, size_t state, size_t model)
{
    size_t blocks = state < model ? state : model;
    size_t known = notes->seen_room;
    if (!KATO_ROOM(notes->step, notes->step_room, 2 * blocks + 4)
        || !KATO_ROOM(notes->row, notes->row_room, model > state ? model : state)
        || !KATO_ROOM(notes->run, notes->run_room, state)
        || !KATO_ROOM(notes->seen, notes->seen_room, state))
        return false;
    if (notes->seen_room > known)
        memset(notes->seen + known, 0, (notes->seen_room - known) * sizeof *notes->seen);
    return true;
}

void kato_notes_end(struct kato_notes *notes)
{
    kato_free(notes->step);
    kato_free(notes->row);
    kato_free(notes->seen);
    kato_free(notes->run);
}

struct telling {
    struct kato_block *block;
    struct kato_shape *shape;
};

/* Blocks are told of in order. */
static void tell(struct telling *telling, uint32_t model, uint32_t state, uint32_t size)
{
    struct kato_shape *shape = telling->shape;
    if (telling->block)
        telling->block[shape->blocks] = (struct kato_block){model, state, size};
    if (shape->blocks++ == 0)
        shape->first = model;
    shape->matched += size;
    shape->last = model + size - 1;
    shape->end = state + size;
}

struct found {
    uint32_t hit, place, size; /* where the block begins, and its size; 0: there is none */
};

/* What remains to be done around a block, in order: left of it, itself, right of it. The steps are
   a stack, so the last goes on first. */
static size_t put_around(struct kato_step *step, size_t steps, struct kato_step region,
                         struct found best)
{
    uint32_t hit_end = best.hit + best.size, place_end = best.place + best.size;
    if (hit_end < region.high && place_end < region.end)
        step[steps++] = (struct kato_step){hit_end, region.high, place_end, region.end};
    step[steps++] = (struct kato_step){best.hit, best.size, best.place, 0};
    if (region.low < best.hit && region.start < best.place)
        step[steps++] = (struct kato_step){region.low, best.hit, region.start, best.place};
    return steps;
}

/* The general way. A run is a stretch that ends at a hit and at a place of the state; it is one
   longer than the run that ends at the place before both, if the scan has just noted one there.
   Places are gone through from the last to the first, so that the note before is still that of the
   hit before. */
static struct found longest(const struct kato_view *view, const struct kato_hits *hits,
                            struct kato_notes *notes, struct kato_step region)
{
    struct found best = {0, 0, 0};
    uint64_t scan = ++notes->scans << 32;
    for (uint32_t i = region.low; i < region.high; i++) {
        uint32_t where = hits->where[i], slot = hits->slot[i];
        const uint32_t *low = view->place + view->begin[slot];
        const uint32_t *place = view->place + view->begin[slot + 1];
        while (place > low && place[-1] >= region.end)
            place--;
        while (place > low && *--place >= region.start) {
            uint32_t end = *place, run = 1;
            if (end > region.start && notes->seen[end - 1] == (scan | (uint32_t)(where - 1)))
                run += notes->run[end - 1];
            notes->run[end] = run;
            notes->seen[end] = scan | where;
            uint32_t hit = i + 1 - run;
            if (run > best.size || (run == best.size && hit == best.hit))
                best = (struct found){hit, end + 1 - run, run};
        }
    }
    return best;
}

/* Where no two neighbours match together, the first hit that matches is the block, nothing is left
   of it, and so on to the right: one pass does it all. */
static void match_singles(const struct kato_view *view, const struct kato_hits *hits,
                          struct kato_step region, struct telling *telling)
{
    uint32_t next = region.start;
    for (uint32_t i = region.low; i < region.high && next < region.end; i++) {
        const uint32_t *low = view->place + view->begin[hits->slot[i]];
        const uint32_t *high = view->place + view->begin[hits->slot[i] + 1];
        const uint32_t *stop = high;
        while (low < high) {
            const uint32_t *middle = low + (high - low) / 2;
            if (*middle < next)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < stop && *low < region.end) {
            tell(telling, hits->where[i], *low, 1);
            next = *low + 1;
        }
    }
}

void kato_blocks(const struct kato_view *view, const struct kato_hits *hits,
                 struct kato_notes *notes, struct kato_block *block, struct kato_shape *shape)
{
    struct kato_step *step = notes->step;
    struct telling telling = {block, shape};
    *shape = (struct kato_shape){0, 0, 0, 0, 0};
    size_t steps = 0;
    if (view->length)
        step[steps++] = (struct kato_step){0, hits->count, 0, view->length};
    while (steps) {
        struct kato_step now = step[--steps];
        if (now.end == 0) {
            tell(&telling, hits->where[now.low], now.start, now.high);
            continue;
        }
        struct found best = longest(view, hits, notes, now);
        if (best.size == 1)
            match_singles(view, hits, now, &telling);
        else if (best.size)
            steps = put_around(step, steps, now, best);
    }
}

/* The bits of places from `start` to before `end`, which is at most 64. */
static uint64_t between(uint32_t start, uint32_t end)
{
    uint64_t below = end < 64 ? (UINT64_C(1) << end) - 1 : ~UINT64_C(0);
    return below & ~UINT64_C(0) << start;
}

/* The places of a short state are the bits of a word, so that all runs that end at a hit are one
   word: those of two symbols are the places of the hit before, moved on by one, where the hit itself
   stands; those of three follow from these in the same way, and so on. `row` is given the runs of two
   within a region; whether there is any: only then is a block longer than one symbol. */
static inline bool find_pairs(const uint64_t *mask, const struct kato_hits *hits, uint32_t low,
                              uint32_t high, uint64_t within, uint64_t *row)
{
    uint64_t any = 0, before = 0;
    uint32_t previous = 0;
    for (uint32_t i = low; i < high; i++) {
        uint64_t places = mask[hits->slot[i]] & within;
        uint64_t beside = -(uint64_t)(hits->where[i] - previous == 1);
        row[i] = before << 1 & places & beside;
        any |= row[i];
        before = places;
        previous = hits->where[i];
    }
    return any != 0;
}

/* The longest block, where `row` has runs of two: they are made longer until none is left, and those
   that were left last are the longest. */
static struct found longest_short(const uint64_t *mask, const struct kato_hits *hits,
                                  struct kato_step region, uint64_t *row)
{
    const uint64_t within = between(region.start, region.end);
    uint64_t left = 0;
    uint32_t at = 0, size = 1, low = region.low, high = region.high;
    for (bool longer = true; longer;) {
        uint32_t first = 0, last = 0;
        for (uint32_t i = high; i-- > low;)
            if (row[i]) {
                last = last ? last : i + 1;
                first = i;
            }
        longer = last != 0;
        if (longer) {
            size++;
            at = first;
            left = row[first];
            /* Runs of one more can only end right after one of these. */
            low = first;
            high = last < region.high ? last + 1 : last;
            for (uint32_t i = high - 1; i > low; i--) {
                bool beside = hits->where[i] - hits->where[i - 1] == 1;
                row[i] = beside ? row[i - 1] << 1 & mask[hits->slot[i]] & within : 0;
            }
            row[low] = 0;
        }
    }
    uint32_t end = (uint32_t)__builtin_ctzll(left);
    return (struct found){at + 1 - size, end + 1 - size, size};
}

/* What match_singles does, for places that are bits: each hit takes the first place that is open, and
   no place before it is open after that. Without branches, since none of them could be foreseen. */
static inline void take_singles(const uint64_t *mask, const struct kato_hits *hits, uint32_t low,
                         uint32_t high, uint64_t open, struct kato_shape *shape)
{
    uint64_t taken = 0;
    uint32_t matched = 0, first = 0, last = 0;
    for (uint32_t i = low; i < high; i++) {
        uint64_t free = mask[hits->slot[i]] & open;
        uint64_t taking = free & -free;
        uint64_t any = -(uint64_t)(free != 0);
        first = matched ? first : hits->where[i];
        matched += free != 0;
        last ^= (last ^ hits->where[i]) & (uint32_t)any;
        taken ^= (taken ^ taking) & any;
        open &= ~any | -(taking << 1);
    }
    if (matched == 0)
        return;
    shape->first = shape->blocks ? shape->first : first;
    shape->matched += matched;
    shape->blocks += matched;
    shape->last = last;
    shape->end = (uint32_t)__builtin_ctzll(taken) + 1;
}

static void match_regions(const struct kato_view *view, const struct kato_hits *hits,
                          uint64_t *row, struct kato_shape *shape)
{
    struct kato_step step[2 * KATO_SHORT + 4];
    struct telling telling = {NULL, shape};
    struct kato_step all = {0, hits->count, 0, view->length};
    size_t steps = put_around(step, 0, all, longest_short(view->mask, hits, all, row));
    while (steps) {
        struct kato_step now = step[--steps];
        uint64_t within = between(now.start, now.end);
        if (now.end == 0)
            tell(&telling, hits->where[now.low], now.start, now.high);
        else if (find_pairs(view->mask, hits, now.low, now.high, within, row))
            steps = put_around(step, steps, now, longest_short(view->mask, hits, now, row));
        else
            take_singles(view->mask, hits, now.low, now.high, within, shape);
    }
}

void kato_blocks_short(const struct kato_view *view, const struct kato_hits *hits,
                       struct kato_notes *notes, struct kato_shape *shape)
{
    const uint64_t all = ~UINT64_C(0);
    *shape = (struct kato_shape){0, 0, 0, 0, 0};
    if (find_pairs(view->mask, hits, 0, hits->count, all, notes->row))
        match_regions(view, hits, notes->row, shape);
    else
        take_singles(view->mask, hits, 0, hits->count, all, shape);
}

/* A bit of `column` is 0 where the longest common subsequence of the hits so far grows by one at
   that place of the state. One addition with carry moves all of them on at a hit. */
bool kato_may_match(const struct kato_view *view, const struct kato_hits *hits,
                    struct kato_notes *notes, uint32_t least)
{
    size_t words = view->mask_words;
    uint64_t *column = notes->row;
    if (words == 0 || hits->count < least)
        return hits->count >= least;
    memset(column, 0xff, words * sizeof *column);
    for (uint32_t i = 0; i < hits->count; i++) {
        const uint64_t *mask = view->mask + hits->slot[i] * words;
        unsigned carry = 0;
        for (size_t w = 0; w < words; w++) {
            uint64_t matched = column[w] & mask[w], sum;
            unsigned over = __builtin_add_overflow(column[w], matched, &sum);
            over |= __builtin_add_overflow(sum, (uint64_t)carry, &sum);
            carry = over;
            column[w] = sum | (column[w] & ~mask[w]);
        }
    }
    uint32_t length = 0;
    for (size_t w = 0; w < words; w++)
        length += (uint32_t)__builtin_popcountll(~column[w]);
    return length >= least;
}
