#include "storage.h"

#include <string.h>

#include "alloc.h"
#include "names.h"

/* The bytes are: this head; then by model its frequency (8 bytes), its length, the size of its name
   (4 bytes each); by symbol the size of its text (4 bytes); all words (4 bytes each), all names, all
   texts. Numbers are as this machine writes them: `magic` reads otherwise on one that differs. */
struct head {
    uint64_t magic, models, symbols, words, names, texts;
};

static const uint64_t magic = UINT64_C(0x314d454d4f54414b); /* KATOMEM1 */

/* Writing */

struct sink {
    unsigned char *at;
};

static void put(struct sink *sink, const void *bytes, size_t size)
{
    if (size)
        memcpy(sink->at, bytes, size);
    sink->at += size;
}

static void put_number(struct sink *sink, uint32_t number)
{
    put(sink, &number, sizeof number);
}

static void put_models(struct sink *sink, const struct kato_memory *memory)
{
    for (uint32_t id = 0; id < memory->ids; id++)
        if (memory->frequency[id])
            put(sink, &memory->frequency[id], sizeof memory->frequency[id]);
    for (uint32_t id = 0; id < memory->ids; id++)
        if (memory->frequency[id])
            put_number(sink, kato_length(memory, id));
    for (uint32_t id = 0; id < memory->ids; id++)
        if (memory->frequency[id]) {
            size_t size;
            kato_name(memory, id, &size);
            put_number(sink, (uint32_t)size);
        }
}

static void put_words(struct sink *sink, const struct kato_memory *memory,
                      const uint32_t *fresh_code)
{
    for (uint32_t id = 0; id < memory->ids; id++)
        for (uint64_t i = memory->start[id]; memory->frequency[id] && i < memory->start[id + 1];
             i++) {
            uint32_t word = memory->words[i];
            put_number(sink, fresh_code[KATO_CODE(word)] | (word & KATO_FIRST));
        }
}

static void put_names(struct sink *sink, const struct kato_memory *memory)
{
    for (uint32_t id = 0; id < memory->ids; id++) {
        size_t size;
        const unsigned char *name = kato_name(memory, id, &size);
        if (memory->frequency[id])
            put(sink, name, size);
    }
}

/* The texts of the symbols that some model has, one after the other; their sizes go to `size`. */
static PyObject *joined(const struct kato_memory *memory, PyObject *texts, uint32_t *size)
{
    PyObject *parts = PyList_New(0), *empty = PyBytes_FromString("");
    for (uint32_t code = 0; code < memory->codes && parts; code++) {
        if (!memory->weight[code])
            continue;
        PyObject *text = PyList_GetItem(texts, (Py_ssize_t)code);
        PyObject *bytes = text ? PyUnicode_AsUTF8String(text) : NULL;
        if (bytes == NULL || PyList_Append(parts, bytes) < 0)
            Py_CLEAR(parts);
        else
            *size++ = (uint32_t)PyBytes_Size(bytes);
        Py_XDECREF(bytes);
    }
    PyObject *all = parts && empty ? PyObject_CallMethod(empty, "join", "O", parts) : NULL;
    Py_XDECREF(parts);
    Py_XDECREF(empty);
    return all;
}

static struct head head_of(const struct kato_memory *memory, uint64_t texts)
{
    struct head head = {.magic = magic, .models = kato_models(memory),
                        .symbols = memory->symbols, .texts = texts};
    for (uint32_t id = 0; id < memory->ids; id++)
        if (memory->frequency[id]) {
            size_t size;
            kato_name(memory, id, &size);
            head.words += kato_length(memory, id);
            head.names += size;
        }
    return head;
}

static uint64_t size_of(const struct head *head)
{
    return sizeof *head + head->models * 16 + head->symbols * 4 + head->words * 4 + head->names
           + head->texts;
}

static PyObject *filled(const struct kato_memory *memory, PyObject *texts, const uint32_t *size,
                        const uint32_t *fresh_code)
{
    char *text;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(texts, &text, &length) < 0)
        return NULL;
    struct head head = head_of(memory, (uint64_t)length);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size_of(&head));
    if (bytes == NULL)
        return NULL;
    struct sink sink = {(unsigned char *)PyBytes_AsString(bytes)};
    Py_BEGIN_ALLOW_THREADS
    put(&sink, &head, sizeof head);
    put_models(&sink, memory);
    put(&sink, size, head.symbols * sizeof *size);
    put_words(&sink, memory, fresh_code);
    put_names(&sink, memory);
    put(&sink, text, (size_t)length);
    Py_END_ALLOW_THREADS
    return bytes;
}

PyObject *kato_dump(const struct kato_memory *memory, PyObject *texts)
{
    uint32_t *fresh_code = kato_resized(NULL, memory->codes, sizeof *fresh_code);
    uint32_t *size = kato_resized(NULL, memory->codes, sizeof *size);
    PyObject *bytes = NULL;
    if (fresh_code && size) {
        kato_live_codes(memory, fresh_code);
        PyObject *all = joined(memory, texts, size);
        if (all)
            bytes = filled(memory, all, size, fresh_code);
        Py_XDECREF(all);
    } else
        PyErr_NoMemory();
    kato_free(fresh_code);
    kato_free(size);
    return bytes;
}

/* Reading */

/* The parts of a dump; all of them lie within it. */
struct parts {
    struct head head;
    const unsigned char *frequency, *length, *name_size, *text_size, *words, *names, *texts;
};

static uint32_t number_at(const unsigned char *numbers, uint64_t i)
{
    uint32_t number;
    memcpy(&number, numbers + 4 * i, sizeof number);
    return number;
}

static bool sums_to(const unsigned char *sizes, uint64_t count, uint64_t whole)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += number_at(sizes, i);
    return sum == whole;
}

static bool split(const unsigned char *bytes, size_t size, struct parts *parts)
{
    struct head *head = &parts->head;
    if (size < sizeof *head)
        return false;
    memcpy(head, bytes, sizeof *head);
    if (head->magic != magic || head->models > size || head->symbols > size || head->words > size
        || head->names > size || head->texts > size || size_of(head) != size)
        return false;
    parts->frequency = bytes + sizeof *head;
    parts->length = parts->frequency + 8 * head->models;
    parts->name_size = parts->length + 4 * head->models;
    parts->text_size = parts->name_size + 4 * head->models;
    parts->words = parts->text_size + 4 * head->symbols;
    parts->names = parts->words + 4 * head->words;
    parts->texts = parts->names + head->names;
    return sums_to(parts->length, head->models, head->words)
           && sums_to(parts->name_size, head->models, head->names)
           && sums_to(parts->text_size, head->symbols, head->texts);
}

enum reading { READ, MISFIT, NO_MEMORY };

static bool words_fit(const uint32_t *words, uint32_t length, uint64_t symbols)
{
    for (uint32_t i = 0; i < length; i++)
        if (KATO_CODE(words[i]) >= symbols)
            return false;
    return length && words[0] & KATO_FIRST;
}

static enum reading read_models(const struct parts *parts, struct kato_memory *memory,
                                uint32_t *words)
{
    const unsigned char *word = parts->words, *name = parts->names;
    for (uint64_t i = 0; i < parts->head.models; i++) {
        uint32_t length = number_at(parts->length, i), size = number_at(parts->name_size, i);
        uint64_t frequency;
        memcpy(&frequency, parts->frequency + 8 * i, sizeof frequency);
        memcpy(words, word, 4 * (size_t)length);
        if (!words_fit(words, length, parts->head.symbols) || frequency == 0 || frequency > INT64_MAX
            || kato_memory_find(memory, words, length) != KATO_NONE
            || kato_memory_named(memory, name, size) != KATO_NONE)
            return MISFIT;
        if (kato_memory_add(memory, words, length, name, size, frequency) != KATO_ADDED)
            return NO_MEMORY;
        word += 4 * (size_t)length;
        name += size;
    }
    return memory->symbols == parts->head.symbols ? READ : MISFIT;
}

static enum reading read_memory(const struct parts *parts, uint64_t seed,
                                struct kato_memory **memory)
{
    uint32_t longest = 0;
    for (uint64_t i = 0; i < parts->head.models; i++)
        if (number_at(parts->length, i) > longest)
            longest = number_at(parts->length, i);
    if (parts->head.symbols >= KATO_MAX_CODES)
        return MISFIT;
    uint32_t *words = kato_resized(NULL, longest, sizeof *words);
    *memory = kato_memory_new(seed);
    enum reading reading = NO_MEMORY;
    if (words && *memory && kato_memory_codes(*memory, (uint32_t)parts->head.symbols))
        reading = read_models(parts, *memory, words);
    kato_free(words);
    if (reading != READ && *memory) {
        kato_memory_free(*memory);
        *memory = NULL;
    }
    return reading;
}

/* Whether a name that is no digest is UTF-8, and could not have been packed as a digest. */
static bool is_text(const unsigned char *name, uint32_t size)
{
    unsigned char again[KATO_LONG_NAME + 1];
    size_t length = size - 1;
    if (length == KATO_LONG_NAME
        && kato_name_pack((const char *)name + 1, length, again) == KATO_PACKED)
        return false;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)name + 1, (Py_ssize_t)length, NULL);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    Py_XDECREF(text);
    return text != NULL;
}

/* Whether all names are as kato_name_pack makes them; false with or without an error set. */
static bool names_fit(const struct parts *parts)
{
    const unsigned char *name = parts->names;
    for (uint64_t i = 0; i < parts->head.models; i++) {
        uint32_t size = number_at(parts->name_size, i);
        bool fits = size && (name[0] == 0 ? size == KATO_PACKED
                                          : name[0] == 1 && is_text(name, size));
        if (!fits)
            return false;
        name += size;
    }
    return true;
}

/* The symbols; NULL where one is not UTF-8, or an error is set. */
static PyObject *read_texts(const struct parts *parts)
{
    const char *text = (const char *)parts->texts;
    PyObject *texts = PyList_New(0);
    for (uint64_t i = 0; i < parts->head.symbols && texts; i++) {
        uint32_t size = number_at(parts->text_size, i);
        PyObject *one = PyUnicode_DecodeUTF8(text, (Py_ssize_t)size, NULL);
        if (one == NULL || PyList_Append(texts, one) < 0)
            Py_CLEAR(texts);
        Py_XDECREF(one);
        text += size;
    }
    if (texts == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    return texts;
}

bool kato_load(PyObject *bytes, uint64_t seed, struct kato_loaded *loaded)
{
    char *data;
    Py_ssize_t size;
    struct parts parts;
    enum reading reading;
    *loaded = (struct kato_loaded){NULL, NULL};
    if (PyBytes_AsStringAndSize(bytes, &data, &size) < 0)
        return false;
    if (!split((const unsigned char *)data, (size_t)size, &parts))
        return true;
    if (!names_fit(&parts))
        return !PyErr_Occurred();
    loaded->texts = read_texts(&parts);
    if (loaded->texts == NULL)
        return !PyErr_Occurred();
    Py_BEGIN_ALLOW_THREADS
    reading = read_memory(&parts, seed, &loaded->memory);
    Py_END_ALLOW_THREADS
    if (reading != READ)
        Py_CLEAR(loaded->texts);
    if (reading == NO_MEMORY)
        PyErr_NoMemory();
    return reading != NO_MEMORY;
}
