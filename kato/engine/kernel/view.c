#include "view.h"

#include <string.h>

#include "alloc.h"

static bool view_room(struct kato_view *view, size_t length, uint32_t slots)
{
    size_t words = (length + 63) / 64;
    bool masks = (size_t)(slots + 1) * words <= KATO_MASK_WORDS;
    view->mask_words = masks ? (uint32_t)words : 0;
    return KATO_ROOM(view->begin, view->begin_room, (size_t)slots + 2)
           && KATO_ROOM(view->place, view->place_room, length)
           && KATO_ROOM(view->mask, view->mask_room, (size_t)(slots + 1) * view->mask_words);
}

/* Counting sort: how many positions each slot has, where each slot's begin, and then each position
   to its slot. */
static void sort_places(struct kato_view *view, const uint32_t *slot, size_t length)
{
    memset(view->begin, 0, ((size_t)view->slots + 2) * sizeof *view->begin);
    for (size_t i = 0; i < length; i++)
        if (slot[i])
            view->begin[slot[i] + 1]++;
    for (uint32_t s = 1; s <= view->slots; s++)
        view->begin[s + 1] += view->begin[s];
    for (size_t i = 0; i < length; i++)
        if (slot[i])
            view->place[view->begin[slot[i]]++] = (uint32_t)i;
    for (uint32_t s = view->slots; s > 0; s--)
        view->begin[s] = view->begin[s - 1];
    view->begin[0] = 0;
    if (view->slots)
        view->begin[1] = 0;
}

bool kato_view_set(struct kato_view *view, const uint32_t *slot, size_t length, uint32_t slots)
{
    if (!view_room(view, length, slots))
        return false;
    view->length = (uint32_t)length;
    view->slots = slots;
    sort_places(view, slot, length);
    size_t words = view->mask_words;
    if (words)
        memset(view->mask, 0, (size_t)(slots + 1) * words * sizeof *view->mask);
    for (size_t i = 0; i < length && words; i++)
        if (slot[i])
            view->mask[slot[i] * words + i / 64] |= UINT64_C(1) << i % 64;
    return true;
}

bool kato_view_copy(struct kato_view *copy, const struct kato_view *view)
{
    size_t places = view->begin[view->slots + 1];
    if (!KATO_ROOM(copy->begin, copy->begin_room, (size_t)view->slots + 2)
        || !KATO_ROOM(copy->place, copy->place_room, places))
        return false;
    memcpy(copy->begin, view->begin, ((size_t)view->slots + 2) * sizeof *view->begin);
    if (places)
        memcpy(copy->place, view->place, places * sizeof *view->place);
    copy->length = view->length;
    copy->slots = view->slots;
    return true;
}

void kato_view_end(struct kato_view *view)
{
    kato_free(view->begin);
    kato_free(view->place);
    kato_free(view->mask);
}
