#include "table.h"

#include <string.h>

#include "alloc.h"
#include "exact.h"

#define GONE (UINT32_MAX - 1) /* an id stood here: who looks for another goes on */

static struct kato_shard *shard_of(const struct kato_table *table, uint64_t hash)
{
    return (struct kato_shard *)&table->shard[hash >> 58];
}

static void place(struct kato_shard *shard, uint64_t hash, uint32_t id)
{
    uint32_t mask = shard->room - 1, i = (uint32_t)hash & mask;
    while (shard->slot[i] != KATO_NONE && shard->slot[i] != GONE)
        i = (i + 1) & mask;
    if (shard->slot[i] == KATO_NONE)
        shard->used++;
    shard->slot[i] = id;
    shard->held++;
}

bool kato_table_room(struct kato_table *table, uint64_t hash, kato_hash_of *hash_of,
                     const void *context)
{
    struct kato_shard *shard = shard_of(table, hash);
    if ((uint64_t)(shard->used + 1) * 4 <= (uint64_t)shard->room * 3)
        return true;
    struct kato_shard fresh = {.room = 4};
    while ((uint64_t)fresh.room * 5 < ((uint64_t)shard->held + 1) * 8)
        fresh.room *= 2;
    fresh.slot = kato_resized(NULL, fresh.room, sizeof *fresh.slot);
    if (fresh.slot == NULL)
        return false;
    memset(fresh.slot, 0xff, fresh.room * sizeof *fresh.slot);
    for (uint32_t i = 0; i < shard->room; i++)
        if (shard->slot[i] < GONE)
            place(&fresh, hash_of(context, shard->slot[i]), shard->slot[i]);
    kato_free(shard->slot);
    *shard = fresh;
    return true;
}

void kato_table_put(struct kato_table *table, uint64_t hash, uint32_t id)
{
    place(shard_of(table, hash), hash, id);
}

uint32_t kato_table_find(const struct kato_table *table, uint64_t hash, kato_is *is,
                         const void *context)
{
    const struct kato_shard *shard = shard_of(table, hash);
    if (shard->room == 0)
        return KATO_NONE;
    uint32_t mask = shard->room - 1;
    for (uint32_t i = (uint32_t)hash & mask; shard->slot[i] != KATO_NONE; i = (i + 1) & mask)
        if (shard->slot[i] != GONE && is(context, shard->slot[i]))
            return shard->slot[i];
    return KATO_NONE;
}

void kato_table_erase(struct kato_table *table, uint64_t hash, uint32_t id)
{
    struct kato_shard *shard = shard_of(table, hash);
    uint32_t mask = shard->room - 1, i = (uint32_t)hash & mask;
    while (shard->slot[i] != id)
        i = (i + 1) & mask;
    shard->slot[i] = GONE;
    shard->held--;
}

void kato_table_end(struct kato_table *table)
{
    for (int i = 0; i < KATO_SHARDS; i++)
        kato_free(table->shard[i].slot);
}

/* Both halves of a long product, folded: every bit of the result depends on all bits of both. */
static uint64_t folded(uint64_t a, uint64_t b)
{
    kato_wide product = (kato_wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / the golden ratio */

uint64_t kato_hash_words(const uint32_t *words, size_t count, uint64_t seed)
{
    uint64_t hash = seed ^ (uint64_t)count * odd;
    for (size_t i = 0; i < count; i++)
        hash = folded(hash ^ words[i], odd ^ seed);
    return folded(hash, odd);
}

uint64_t kato_hash_bytes(const unsigned char *bytes, size_t count, uint64_t seed)
{
    uint64_t hash = seed ^ (uint64_t)count * odd;
    for (size_t i = 0; i < count; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, count - i < 8 ? count - i : 8);
        hash = folded(hash ^ word, odd ^ seed);
    }
    return folded(hash, odd);
}
