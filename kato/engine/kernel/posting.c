#include "posting.h"

#include <string.h>

#include "alloc.h"

enum {
    FIRST_ROOM = 4,
    DENSE = 32,         /* one model in so many makes bits smaller than a list */
    LEAST_MODELS = 256 /* with fewer, bits gain nothing */
};

static bool list_room(struct kato_posting *posting)
{
    if (posting->kind == KATO_FEW) {
        uint32_t *list = kato_resized(NULL, FIRST_ROOM, sizeof *list);
        if (list == NULL)
            return false;
        memcpy(list, posting->at.few, sizeof posting->at.few);
        posting->at.list = list;
        posting->kind = KATO_LIST;
        posting->room = FIRST_ROOM;
        return true;
    }
    size_t room = posting->room;
    if (!KATO_ROOM(posting->at.list, room, (size_t)posting->count + 1))
        return false;
    posting->room = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
    return true;
}

static bool bits_room(struct kato_posting *posting, uint32_t id)
{
    size_t room = posting->room;
    if (!KATO_ROOM(posting->at.bits, room, (size_t)id / 64 + 1))
        return false;
    memset(posting->at.bits + posting->room, 0, (room - posting->room) * sizeof(uint64_t));
    posting->room = (uint32_t)room;
    return true;
}

bool kato_posting_room(struct kato_posting *posting, uint32_t id)
{
    if (posting->kind == KATO_BITS)
        return id / 64 < posting->room || bits_room(posting, id);
    uint32_t room = posting->kind == KATO_FEW ? 2 : posting->room;
    return posting->count < room || list_room(posting);
}

void kato_posting_put(struct kato_posting *posting, uint32_t id)
{
    if (posting->kind == KATO_BITS)
        posting->at.bits[id / 64] |= UINT64_C(1) << id % 64;
    else if (posting->kind == KATO_LIST)
        posting->at.list[posting->count] = id;
    else
        posting->at.few[posting->count] = id;
    posting->count++;
}

void kato_posting_densify(struct kato_posting *posting, uint32_t models)
{
    if (posting->kind != KATO_LIST || models < LEAST_MODELS
        || (uint64_t)posting->count * DENSE < models)
        return;
    size_t words = (size_t)models / 64 + 1;
    uint64_t *bits = kato_zeroed(words, sizeof *bits);
    if (bits == NULL)
        return;
    for (uint32_t i = 0; i < posting->count; i++)
        bits[posting->at.list[i] / 64] |= UINT64_C(1) << posting->at.list[i] % 64;
    kato_free(posting->at.list);
    posting->at.bits = bits;
    posting->kind = KATO_BITS;
    posting->room = (uint32_t)words;
}

size_t kato_posting_bytes(const struct kato_posting *posting)
{
    if (posting->kind == KATO_BITS)
        return posting->room * sizeof(uint64_t);
    return posting->kind == KATO_LIST ? posting->room * sizeof(uint32_t) : 0;
}

void kato_posting_end(struct kato_posting *posting)
{
    if (posting->kind != KATO_FEW)
        kato_free(posting->kind == KATO_BITS ? (void *)posting->at.bits
                                             : (void *)posting->at.list);
}
