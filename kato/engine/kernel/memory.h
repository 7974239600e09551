/* The models of one processor, and what finds them.

   A model has an id: a small number, never given again. Its symbols are codes, which the caller
   chooses from 0 up; the highest bit of a word says that the symbol begins an event. Words of all
   models lie one after the other in one array, so that going over models is going over memory.

   Whoever calls holds the lock as each function says. A function that can run out of memory says
   so, and then nothing has changed. */

#ifndef KATO_MEMORY_H
#define KATO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exact.h"
#include "lock.h"
#include "posting.h"
#include "table.h"

#define KATO_FIRST UINT32_C(0x80000000)
#define KATO_CODE(word) ((word) & ~KATO_FIRST)
#define KATO_MAX_CODES (KATO_FIRST - 1) /* and of models there may be 2^32 - 2 */

struct kato_memory {
    struct kato_lock lock;

    uint64_t seed; /* from here on, all of it can be exchanged with another memory's */

    /* By id; a model without frequency is forgotten. */
    uint32_t ids, forgotten;
    uint64_t *start; /* of ids + 1: where the words of each begin, and where the last end */
    uint64_t *frequency;
    uint64_t *name_start; /* as `start`, in bytes */
    uint32_t *words;
    unsigned char *names;
    size_t start_room, frequency_room, name_start_room, words_room, names_room;
    uint32_t shortest, longest; /* lengths that no model is below or above */
    struct kato_table by_sequence, by_name;

    /* By code. */
    uint32_t codes;
    struct kato_posting *first; /* who has the symbol at all */
    kato_wide *weight;          /* the frequencies of these, together */
    uint32_t *last_seen;        /* all 0 but while a model is added */
    size_t first_room, weight_room, last_seen_room;

    size_t posting_bytes;       /* of all postings, beside themselves */

    struct kato_posting *more; /* who has it again; [0] is never used */
    size_t more_room;
    uint32_t more_used;

    uint32_t symbols; /* codes with a weight */
    kato_wide mass;   /* the sum of frequency times distinct symbols */
    kato_wide total;  /* of frequencies */

    uint32_t *touched; /* room for a note on each word of one model */
    size_t touched_room;
};

struct kato_use {
    size_t models, index, symbols; /* bytes */
};

enum kato_added { KATO_ADDED, KATO_FULL, KATO_NO_MEMORY };

/* An empty memory; NULL where there is none left. `seed` keys its hashes. */
struct kato_memory *kato_memory_new(uint64_t seed);
void kato_memory_free(struct kato_memory *memory);

/* Write lock held. See that there is what belongs to the codes below `codes`. */
bool kato_memory_codes(struct kato_memory *memory, uint32_t codes);

/* Write lock held. Take in a model whose sequence and name are new. `frequency` is from 1 to 2^63,
   all codes are below memory->codes, the first word has KATO_FIRST; `name` is packed. */
enum kato_added kato_memory_add(struct kato_memory *memory, const uint32_t *words, size_t length,
                                const unsigned char *name, size_t name_size, uint64_t frequency);

/* Write lock held; none of these needs memory. */
void kato_memory_reweigh(struct kato_memory *memory, uint32_t id, uint64_t frequency);
void kato_memory_remove(struct kato_memory *memory, uint32_t id);

/* Read or write lock held. The id of the model with this sequence, or this name; KATO_NONE. */
uint32_t kato_memory_find(const struct kato_memory *memory, const uint32_t *words, size_t length);
uint32_t kato_memory_named(const struct kato_memory *memory, const unsigned char *name,
                           size_t size);

static inline uint32_t kato_models(const struct kato_memory *memory)
{
    return memory->ids - memory->forgotten;
}

static inline uint32_t kato_length(const struct kato_memory *memory, uint32_t id)
{
    return (uint32_t)(memory->start[id + 1] - memory->start[id]);
}

static inline double kato_probability(const struct kato_memory *memory, uint32_t code)
{
    return kato_ratio(memory->weight[code], memory->mass);
}

static inline const unsigned char *kato_name(const struct kato_memory *memory, uint32_t id,
                                             size_t *size)
{
    *size = (size_t)(memory->name_start[id + 1] - memory->name_start[id]);
    return memory->names + memory->name_start[id];
}

/* Read or write lock held. What all of it uses; symbols are the caller's. */
struct kato_use kato_memory_use(const struct kato_memory *memory);

/* Whether so many are forgotten that it pays to compact. */
static inline bool kato_memory_is_loose(const struct kato_memory *memory)
{
    return memory->forgotten > 1024 && memory->forgotten > memory->ids / 4;
}

/* Read or write lock held. Number the symbols that some model has, in order: `fresh_code`, of
   memory->codes, is given the number of each, KATO_NONE for the others; gives how many they are. */
uint32_t kato_live_codes(const struct kato_memory *memory, uint32_t *fresh_code);

/* Read or write lock held. A copy of the memory without what is forgotten, its symbols under the
   numbers of kato_live_codes, which `fresh_code` is given; NULL where there is no memory. */
struct kato_memory *kato_memory_compacted(const struct kato_memory *memory, uint32_t *fresh_code);

/* Write lock held. Exchange what two memories hold. */
void kato_memory_swap(struct kato_memory *memory, struct kato_memory *other);

/* Read or write lock held. Up to `most` ids of the models whose names come first after `after`, or
   first of all where that is NULL, in order of their names; gives how many. */
size_t kato_memory_page(const struct kato_memory *memory, const unsigned char *after, size_t size,
                        uint32_t *ids, size_t most);

#endif
