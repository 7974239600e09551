/* Forgotten models are given back by writing all others anew. */

#include <string.h>

#include "alloc.h"
#include "memory.h"

uint32_t kato_live_codes(const struct kato_memory *memory, uint32_t *fresh_code)
{
    uint32_t live = 0;
    for (uint32_t code = 0; code < memory->codes; code++)
        fresh_code[code] = memory->weight[code] ? live++ : KATO_NONE;
    return live;
}

static bool copy_models(struct kato_memory *fresh, const struct kato_memory *memory,
                        const uint32_t *fresh_code)
{
    uint32_t *words = kato_resized(NULL, memory->longest, sizeof *words);
    bool fits = words != NULL;
    for (uint32_t id = 0; id < memory->ids && fits; id++) {
        if (memory->frequency[id] == 0)
            continue;
        uint32_t length = kato_length(memory, id);
        for (uint32_t i = 0; i < length; i++) {
            uint32_t word = memory->words[memory->start[id] + i];
            words[i] = fresh_code[KATO_CODE(word)] | (word & KATO_FIRST);
        }
        size_t size;
        const unsigned char *name = kato_name(memory, id, &size);
        fits = kato_memory_add(fresh, words, length, name, size, memory->frequency[id])
               == KATO_ADDED;
    }
    kato_free(words);
    return fits;
}

struct kato_memory *kato_memory_compacted(const struct kato_memory *memory, uint32_t *fresh_code)
{
    struct kato_memory *fresh = kato_memory_new(memory->seed);
    if (fresh == NULL)
        return NULL;
    if (!kato_memory_codes(fresh, kato_live_codes(memory, fresh_code))
        || !copy_models(fresh, memory, fresh_code)) {
        kato_memory_free(fresh);
        return NULL;
    }
    return fresh;
}

void kato_memory_swap(struct kato_memory *memory, struct kato_memory *other)
{
    const size_t from = offsetof(struct kato_memory, seed);
    const size_t size = sizeof *memory - from;
    unsigned char held[sizeof *memory];
    memcpy(held, (unsigned char *)memory + from, size);
    memcpy((unsigned char *)memory + from, (unsigned char *)other + from, size);
    memcpy((unsigned char *)other + from, held, size);
}
