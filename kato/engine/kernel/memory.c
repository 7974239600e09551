#include "memory.h"

#include <string.h>

#include "alloc.h"

#define MORE UINT32_C(0x80000000) /* a note of a posting: its place in `more`, not its code */

struct kato_memory *kato_memory_new(uint64_t seed)
{
    struct kato_memory *memory = kato_zeroed(1, sizeof *memory);
    if (memory == NULL)
        return NULL;
    memory->seed = seed;
    memory->more_used = 1;
    memory->shortest = UINT32_MAX;
    if (!kato_lock_begin(&memory->lock)) {
        kato_free(memory);
        return NULL;
    }
    if (!KATO_ROOM(memory->start, memory->start_room, 1)
        || !KATO_ROOM(memory->name_start, memory->name_start_room, 1)) {
        kato_memory_free(memory);
        return NULL;
    }
    memory->start[0] = memory->name_start[0] = 0;
    return memory;
}

void kato_memory_free(struct kato_memory *memory)
{
    for (uint32_t code = 0; code < memory->codes; code++)
        kato_posting_end(&memory->first[code]);
    for (uint32_t i = 1; i < memory->more_used; i++)
        kato_posting_end(&memory->more[i]);
    kato_table_end(&memory->by_sequence);
    kato_table_end(&memory->by_name);
    kato_free(memory->start);
    kato_free(memory->frequency);
    kato_free(memory->name_start);
    kato_free(memory->words);
    kato_free(memory->names);
    kato_free(memory->first);
    kato_free(memory->weight);
    kato_free(memory->last_seen);
    kato_free(memory->more);
    kato_free(memory->touched);
    kato_lock_end(&memory->lock);
    kato_free(memory);
}

bool kato_memory_codes(struct kato_memory *memory, uint32_t codes)
{
    if (codes <= memory->codes)
        return true;
    if (!KATO_ROOM(memory->first, memory->first_room, codes)
        || !KATO_ROOM(memory->weight, memory->weight_room, codes)
        || !KATO_ROOM(memory->last_seen, memory->last_seen_room, codes))
        return false;
    size_t fresh = codes - memory->codes;
    memset(memory->first + memory->codes, 0, fresh * sizeof *memory->first);
    memset(memory->weight + memory->codes, 0, fresh * sizeof *memory->weight);
    memset(memory->last_seen + memory->codes, 0, fresh * sizeof *memory->last_seen);
    memory->codes = codes;
    return true;
}

/* Finding */

struct sequence_key {
    const struct kato_memory *memory;
    const uint32_t *words;
    size_t length;
};

static bool is_sequence(const void *context, uint32_t id)
{
    const struct sequence_key *key = context;
    return kato_length(key->memory, id) == key->length
           && memcmp(key->memory->words + key->memory->start[id], key->words,
                     key->length * sizeof *key->words) == 0;
}

uint32_t kato_memory_find(const struct kato_memory *memory, const uint32_t *words, size_t length)
{
    struct sequence_key key = {memory, words, length};
    uint64_t hash = kato_hash_words(words, length, memory->seed);
    return kato_table_find(&memory->by_sequence, hash, is_sequence, &key);
}

struct name_key {
    const struct kato_memory *memory;
    const unsigned char *name;
    size_t size;
};

static bool is_name(const void *context, uint32_t id)
{
    const struct name_key *key = context;
    size_t size;
    const unsigned char *name = kato_name(key->memory, id, &size);
    return size == key->size && memcmp(name, key->name, size) == 0;
}

uint32_t kato_memory_named(const struct kato_memory *memory, const unsigned char *name,
                           size_t size)
{
    struct name_key key = {memory, name, size};
    uint64_t hash = kato_hash_bytes(name, size, memory->seed);
    return kato_table_find(&memory->by_name, hash, is_name, &key);
}

static uint64_t sequence_hash(const void *context, uint32_t id)
{
    const struct kato_memory *memory = context;
    return kato_hash_words(memory->words + memory->start[id], kato_length(memory, id),
                           memory->seed);
}

static uint64_t name_hash(const void *context, uint32_t id)
{
    const struct kato_memory *memory = context;
    size_t size;
    const unsigned char *name = kato_name(memory, id, &size);
    return kato_hash_bytes(name, size, memory->seed);
}

/* Adding */

static struct kato_posting *noted(const struct kato_memory *memory, uint32_t note)
{
    return note & MORE ? &memory->more[note & ~MORE] : &memory->first[note];
}

/* The posting of one more occurrence, which is made where there is none; 0: no memory. */
static uint32_t next_of(struct kato_memory *memory, uint32_t note)
{
    uint32_t next = noted(memory, note)->next;
    if (next == 0) {
        if (memory->more_used == MORE
            || !KATO_ROOM(memory->more, memory->more_room, (size_t)memory->more_used + 1))
            return 0;
        next = memory->more_used++;
        memset(&memory->more[next], 0, sizeof *memory->more);
        noted(memory, note)->next = next;
    }
    return next | MORE;
}

/* Note for each word which posting its occurrence belongs to, and make room in it. The first time a
   symbol stands in the model it is that of its code, and each further time the next one. */
static bool postings_room(struct kato_memory *memory, const uint32_t *words, size_t length)
{
    uint32_t id = memory->ids;
    size_t i = 0;
    bool found = true;
    for (; i < length && found; i++) {
        uint32_t code = KATO_CODE(words[i]);
        uint32_t note = code;
        if (memory->last_seen[code]) {
            note = next_of(memory, memory->touched[memory->last_seen[code] - 1]);
            found = note != 0;
        }
        if (found) {
            struct kato_posting *posting = noted(memory, note);
            memory->touched[i] = note;
            memory->last_seen[code] = (uint32_t)i + 1;
            memory->posting_bytes -= kato_posting_bytes(posting);
            found = kato_posting_room(posting, id);
            memory->posting_bytes += kato_posting_bytes(posting);
        }
    }
    while (i > 0)
        memory->last_seen[KATO_CODE(words[--i])] = 0;
    return found;
}

static bool all_room(struct kato_memory *memory, const uint32_t *words, size_t length,
                     const unsigned char *name, size_t name_size)
{
    size_t ids = (size_t)memory->ids + 1;
    uint64_t used = memory->start[memory->ids], names_used = memory->name_start[memory->ids];
    return KATO_ROOM(memory->start, memory->start_room, ids + 1)
           && KATO_ROOM(memory->name_start, memory->name_start_room, ids + 1)
           && KATO_ROOM(memory->frequency, memory->frequency_room, ids)
           && KATO_ROOM(memory->words, memory->words_room, used + length)
           && KATO_ROOM(memory->names, memory->names_room, names_used + name_size)
           && KATO_ROOM(memory->touched, memory->touched_room, length)
           && kato_table_room(&memory->by_sequence,
                              kato_hash_words(words, length, memory->seed), sequence_hash, memory)
           && kato_table_room(&memory->by_name, kato_hash_bytes(name, name_size, memory->seed),
                              name_hash, memory)
           && postings_room(memory, words, length);
}

static void weigh(struct kato_memory *memory, uint32_t code, uint64_t more, uint64_t less)
{
    kato_wide before = memory->weight[code];
    memory->weight[code] = before + more - less;
    memory->mass = memory->mass + more - less;
    memory->symbols += (memory->weight[code] != 0) - (before != 0);
}

enum kato_added kato_memory_add(struct kato_memory *memory, const uint32_t *words, size_t length,
                                const unsigned char *name, size_t name_size, uint64_t frequency)
{
    if (memory->ids >= UINT32_MAX - 2 || length >= KATO_FIRST)
        return KATO_FULL;
    if (!all_room(memory, words, length, name, name_size))
        return KATO_NO_MEMORY;
    uint32_t id = memory->ids++;
    uint64_t start = memory->start[id], name_start = memory->name_start[id];
    memcpy(memory->words + start, words, length * sizeof *words);
    memcpy(memory->names + name_start, name, name_size);
    memory->start[id + 1] = start + length;
    memory->name_start[id + 1] = name_start + name_size;
    memory->frequency[id] = frequency;
    kato_table_put(&memory->by_sequence, kato_hash_words(words, length, memory->seed), id);
    kato_table_put(&memory->by_name, kato_hash_bytes(name, name_size, memory->seed), id);
    for (size_t i = 0; i < length; i++) {
        struct kato_posting *posting = noted(memory, memory->touched[i]);
        kato_posting_put(posting, id);
        memory->posting_bytes -= kato_posting_bytes(posting);
        kato_posting_densify(posting, memory->ids);
        memory->posting_bytes += kato_posting_bytes(posting);
        if (!(memory->touched[i] & MORE))
            weigh(memory, memory->touched[i], frequency, 0);
    }
    memory->total += frequency;
    if (length < memory->shortest)
        memory->shortest = (uint32_t)length;
    if (length > memory->longest)
        memory->longest = (uint32_t)length;
    return KATO_ADDED;
}

/* Changing and forgetting */

/* Each distinct symbol of a model once: a symbol was seen where it has a note. */
static void weigh_all(struct kato_memory *memory, uint32_t id, uint64_t more, uint64_t less)
{
    const uint32_t *words = memory->words + memory->start[id];
    uint32_t length = kato_length(memory, id);
    for (uint32_t i = 0; i < length; i++) {
        uint32_t code = KATO_CODE(words[i]);
        if (!memory->last_seen[code])
            weigh(memory, code, more, less);
        memory->last_seen[code] = 1;
    }
    for (uint32_t i = 0; i < length; i++)
        memory->last_seen[KATO_CODE(words[i])] = 0;
    memory->total = memory->total + more - less;
}

void kato_memory_reweigh(struct kato_memory *memory, uint32_t id, uint64_t frequency)
{
    weigh_all(memory, id, frequency, memory->frequency[id]);
    memory->frequency[id] = frequency;
}

void kato_memory_remove(struct kato_memory *memory, uint32_t id)
{
    kato_table_erase(&memory->by_sequence, sequence_hash(memory, id), id);
    kato_table_erase(&memory->by_name, name_hash(memory, id), id);
    weigh_all(memory, id, 0, memory->frequency[id]);
    memory->frequency[id] = 0;
    memory->forgotten++;
}

/* Telling */

struct kato_use kato_memory_use(const struct kato_memory *memory)
{
    struct kato_use use = {0, 0, 0};
    use.models = sizeof *memory + memory->start_room * sizeof *memory->start
                 + memory->frequency_room * sizeof *memory->frequency
                 + memory->name_start_room * sizeof *memory->name_start
                 + memory->words_room * sizeof *memory->words + memory->names_room;
    use.index = (size_t)kato_models(memory) * 2 * KATO_TABLE_BYTES
                + memory->first_room * sizeof *memory->first
                + memory->more_room * sizeof *memory->more
                + memory->weight_room * sizeof *memory->weight
                + memory->last_seen_room * sizeof *memory->last_seen
                + memory->touched_room * sizeof *memory->touched + memory->posting_bytes;
    return use;
}
