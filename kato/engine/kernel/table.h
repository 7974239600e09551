/* Finds models by something that can be hashed: their sequence, or their name.

   An open-addressing table of model ids, in 64 parts that grow one at a time, so that no growth of
   it is long. */

#ifndef KATO_TABLE_H
#define KATO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KATO_SHARDS = 64 };

#define KATO_NONE UINT32_MAX

struct kato_shard {
    uint32_t *slot;
    uint32_t room; /* a power of two, or 0 */
    uint32_t used; /* slots that are not empty */
    uint32_t held; /* and those that hold an id */
};

struct kato_table {
    struct kato_shard shard[KATO_SHARDS];
};

/* About how many bytes each id takes. How many exactly depends on the seed, and what a server
   answers must not. */
enum { KATO_TABLE_BYTES = 9 };

typedef uint64_t kato_hash_of(const void *context, uint32_t id);
typedef bool kato_is(const void *context, uint32_t id);

/* Make room for one more id with this hash; false where there is no memory. `hash_of` gives the
   hash of an id that is held. */
bool kato_table_room(struct kato_table *table, uint64_t hash, kato_hash_of *hash_of,
                     const void *context);

/* Put an id, for which there is room. */
void kato_table_put(struct kato_table *table, uint64_t hash, uint32_t id);

/* The id with this hash for which `is` holds, or KATO_NONE. */
uint32_t kato_table_find(const struct kato_table *table, uint64_t hash, kato_is *is,
                         const void *context);

/* Take out an id that is held. */
void kato_table_erase(struct kato_table *table, uint64_t hash, uint32_t id);

void kato_table_end(struct kato_table *table);

/* A keyed hash, so that nobody can choose sequences that all meet in one slot without knowing the
   seed. `words` is taken in 32 bits at a time. */
uint64_t kato_hash_words(const uint32_t *words, size_t count, uint64_t seed);
uint64_t kato_hash_bytes(const unsigned char *bytes, size_t count, uint64_t seed);

#endif
