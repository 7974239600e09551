/* A memory for Python: symbols as str, sequences as tuples of tuples of them. */

#include "pymemory.h"

#include <string.h>

#include "alloc.h"
#include "names.h"
#include "storage.h"

/* Making and freeing */

static bool empty_symbols(PyObject **codes, struct symbols *symbols)
{
    *codes = PyDict_New();
    symbols->texts = PyList_New(0);
    symbols->literals = PyList_New(0);
    return *codes && symbols->texts && symbols->literals;
}

static void drop_symbols(PyObject *codes, struct symbols symbols)
{
    Py_XDECREF(codes);
    Py_XDECREF(symbols.texts);
    Py_XDECREF(symbols.literals);
}

static PyObject *new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    unsigned long long seed;
    static char *names[] = {"seed", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "K", names, &seed))
        return NULL;
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    struct memory_object *self = (struct memory_object *)alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->memory = kato_memory_new(seed);
    if (self->memory == NULL)
        PyErr_NoMemory();
    if (self->memory == NULL || !empty_symbols(&self->codes, &self->symbols))
        Py_CLEAR(self);
    return (PyObject *)self;
}

static void dealloc(PyObject *object)
{
    struct memory_object *self = as_memory(object);
    PyTypeObject *type = Py_TYPE(object);
    struct kato_memory *memory = self->memory;
    if (memory) {
        Py_BEGIN_ALLOW_THREADS
        kato_memory_free(memory);
        Py_END_ALLOW_THREADS
    }
    drop_symbols(self->codes, self->symbols);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* Names and symbols in C's terms */

bool kato_packed_name(PyObject *text, struct name *name)
{
    Py_ssize_t length;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &length);
    if (utf8 == NULL)
        return false;
    size_t room = (size_t)length + 1 > KATO_PACKED ? (size_t)length + 1 : KATO_PACKED;
    name->packed = kato_resized(NULL, room, 1);
    if (name->packed == NULL) {
        PyErr_NoMemory();
        return false;
    }
    name->size = kato_name_pack(utf8, (size_t)length, name->packed);
    return true;
}

static bool size_of(PyObject *object, size_t *bytes)
{
    PyObject *size = PyObject_CallMethod(object, "__sizeof__", NULL);
    if (size == NULL)
        return false;
    *bytes += PyLong_AsSize_t(size);
    Py_DECREF(size);
    return !PyErr_Occurred();
}

static bool append_symbol(PyObject *codes, struct symbols symbols, PyObject *text, uint32_t code)
{
    PyObject *number = PyLong_FromUnsignedLong(code);
    if (number == NULL)
        return false;
    bool put = PyList_Append(symbols.literals, Py_None) == 0;
    if (put && (PyList_Append(symbols.texts, text) < 0
                || PyDict_SetItem(codes, text, number) < 0)) {
        put = false;
        PyList_SetSlice(symbols.literals, code, code + 1, NULL);
        PyList_SetSlice(symbols.texts, code, code + 1, NULL);
    }
    Py_DECREF(number);
    return put;
}

static bool new_code(struct memory_object *self, PyObject *text, uint32_t *code)
{
    size_t next = (size_t)PyList_Size(self->symbols.texts);
    size_t bytes = sizeof(PyObject *) * 2 + 32; /* its places in the lists, and its code */
    if (next >= KATO_MAX_CODES) {
        PyErr_SetString(PyExc_OverflowError, "too many symbols");
        return false;
    }
    *code = (uint32_t)next;
    if (!size_of(text, &bytes))
        return false;
    if (!kato_memory_codes(self->memory, *code + 1)) {
        PyErr_NoMemory();
        return false;
    }
    if (!append_symbol(self->codes, self->symbols, text, *code))
        return false;
    self->text_bytes += bytes;
    return true;
}

/* The words of a sequence. */
struct words {
    uint32_t *word;
    size_t count, room;
};

static bool add_word(struct memory_object *self, PyObject *text, bool make, uint32_t first,
                     struct words *words)
{
    uint32_t code;
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a symbol is a str");
        return false;
    }
    if (kato_known_code(self, text, &code) < 0)
        return false;
    if (code == KATO_NONE && make && !new_code(self, text, &code))
        return false;
    if (!KATO_ROOM(words->word, words->room, words->count + 1)) {
        PyErr_NoMemory();
        return false;
    }
    words->word[words->count++] = code == KATO_NONE ? KATO_NONE : code | first;
    return true;
}

static bool add_event(struct memory_object *self, PyObject *event, bool make, struct words *words)
{
    Py_ssize_t count = PyTuple_Check(event) ? PyTuple_Size(event) : -1;
    if (count < 0)
        PyErr_SetString(PyExc_TypeError, "an event is a tuple");
    if (count == 0)
        PyErr_SetString(PyExc_ValueError, "an event of a model has symbols");
    if (count <= 0)
        return false;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!add_word(self, PyTuple_GetItem(event, i), make, i ? 0 : KATO_FIRST, words))
            return false;
    return true;
}

/* Write lock held if new symbols may be made; without that, KATO_NONE stands for unknown ones. To be
   freed in any case. */
static bool words_of(struct memory_object *self, PyObject *sequence, bool make,
                     struct words *words)
{
    Py_ssize_t count = PyTuple_Check(sequence) ? PyTuple_Size(sequence) : -1;
    if (count < 0)
        PyErr_SetString(PyExc_TypeError, "a sequence is a tuple");
    if (count == 0)
        PyErr_SetString(PyExc_ValueError, "a model has events");
    if (count <= 0)
        return false;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!add_event(self, PyTuple_GetItem(sequence, i), make, words))
            return false;
    return true;
}

static bool frequency_of(PyObject *object, uint64_t *frequency)
{
    *frequency = PyLong_AsUnsignedLongLong(object);
    if (PyErr_Occurred())
        return false;
    if (*frequency == 0 || *frequency > INT64_MAX) {
        PyErr_SetString(PyExc_OverflowError, "a frequency is from 1 to 2^63 - 1");
        return false;
    }
    return true;
}

/* Changing */

static bool put_model(struct memory_object *self, struct name name, PyObject *sequence,
                      uint64_t frequency)
{
    struct words words = {0};
    bool added = words_of(self, sequence, true, &words);
    if (added) {
        enum kato_added how = kato_memory_add(self->memory, words.word, words.count, name.packed,
                                              name.size, frequency);
        added = how == KATO_ADDED;
        if (how == KATO_NO_MEMORY)
            PyErr_NoMemory();
        else if (how == KATO_FULL)
            PyErr_SetString(PyExc_OverflowError, "too many models, or too long a one");
    }
    kato_free(words.word);
    return added;
}

static PyObject *add(PyObject *object, PyObject *args)
{
    struct memory_object *self = as_memory(object);
    PyObject *text, *sequence, *number;
    struct name name;
    uint64_t frequency;
    if (!PyArg_ParseTuple(args, "UO!O", &text, &PyTuple_Type, &sequence, &number)
        || !frequency_of(number, &frequency) || !kato_packed_name(text, &name))
        return NULL;
    kato_wait_write(self->memory);
    bool added = put_model(self, name, sequence, frequency);
    kato_lock_write_done(&self->memory->lock);
    kato_free(name.packed);
    if (!added)
        return NULL;
    Py_RETURN_NONE;
}

/* The id of a model by its name; KATO_NONE, with KeyError set, where there is none. */
static uint32_t named(struct memory_object *self, struct name name, PyObject *text)
{
    uint32_t id = kato_memory_named(self->memory, name.packed, name.size);
    if (id == KATO_NONE)
        PyErr_SetObject(PyExc_KeyError, text);
    return id;
}

static PyObject *reweigh(PyObject *object, PyObject *args)
{
    struct memory_object *self = as_memory(object);
    PyObject *text, *number;
    struct name name;
    uint64_t frequency;
    if (!PyArg_ParseTuple(args, "UO", &text, &number) || !frequency_of(number, &frequency)
        || !kato_packed_name(text, &name))
        return NULL;
    kato_wait_write(self->memory);
    uint32_t id = named(self, name, text);
    if (id != KATO_NONE)
        kato_memory_reweigh(self->memory, id, frequency);
    kato_lock_write_done(&self->memory->lock);
    kato_free(name.packed);
    if (id == KATO_NONE)
        return NULL;
    Py_RETURN_NONE;
}

/* The symbols that still have a code, under their new ones. */
static bool compacted_symbols(struct memory_object *self, const uint32_t *fresh_code,
                              PyObject **codes, struct symbols *symbols, size_t *bytes)
{
    if (!empty_symbols(codes, symbols))
        return false;
    Py_ssize_t count = PyList_Size(self->symbols.texts);
    for (Py_ssize_t code = 0; code < count; code++) {
        if (fresh_code[code] == KATO_NONE)
            continue;
        PyObject *text = PyList_GetItem(self->symbols.texts, code);
        *bytes += sizeof(PyObject *) * 2 + 32;
        if (!append_symbol(*codes, *symbols, text, fresh_code[code]) || !size_of(text, bytes))
            return false;
    }
    return true;
}

/* Write lock held. Where memory is short the forgotten models simply stay: that is no error. */
static void compact(struct memory_object *self)
{
    struct kato_memory *memory = self->memory, *fresh = NULL;
    uint32_t *fresh_code = kato_resized(NULL, memory->codes, sizeof *fresh_code);
    PyObject *codes = NULL;
    struct symbols symbols = {NULL, NULL};
    size_t bytes = 0;
    if (fresh_code) {
        Py_BEGIN_ALLOW_THREADS
        fresh = kato_memory_compacted(memory, fresh_code);
        Py_END_ALLOW_THREADS
    }
    if (fresh && compacted_symbols(self, fresh_code, &codes, &symbols, &bytes)) {
        PyObject *old_codes = self->codes;
        struct symbols old_symbols = self->symbols;
        kato_memory_swap(memory, fresh);
        self->codes = codes;
        self->symbols = symbols;
        self->text_bytes = bytes;
        codes = old_codes;
        symbols = old_symbols;
    }
    PyErr_Clear();
    drop_symbols(codes, symbols);
    kato_free(fresh_code);
    if (fresh) {
        Py_BEGIN_ALLOW_THREADS
        kato_memory_free(fresh);
        Py_END_ALLOW_THREADS
    }
}

static PyObject *remove_model(PyObject *object, PyObject *text)
{
    struct memory_object *self = as_memory(object);
    struct name name;
    if (!kato_packed_name(text, &name))
        return NULL;
    kato_wait_write(self->memory);
    uint32_t id = named(self, name, text);
    if (id != KATO_NONE) {
        kato_memory_remove(self->memory, id);
        if (kato_memory_is_loose(self->memory))
            compact(self);
    }
    kato_lock_write_done(&self->memory->lock);
    kato_free(name.packed);
    if (id == KATO_NONE)
        return NULL;
    Py_RETURN_NONE;
}

/* Reading */

static Py_ssize_t length(PyObject *object)
{
    return (Py_ssize_t)kato_models(as_memory(object)->memory);
}

static PyObject *symbols(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromUnsignedLong(as_memory(object)->memory->symbols);
}

static PyObject *find(PyObject *object, PyObject *sequence)
{
    struct memory_object *self = as_memory(object);
    struct words words = {0};
    PyObject *found = NULL;
    kato_wait_read(self->memory);
    if (words_of(self, sequence, false, &words)) {
        uint32_t id = kato_memory_find(self->memory, words.word, words.count);
        size_t size = 0;
        const unsigned char *name = id == KATO_NONE ? NULL : kato_name(self->memory, id, &size);
        found = name ? kato_name_object(name, size) : Py_NewRef(Py_None);
    }
    kato_lock_read_done(&self->memory->lock);
    kato_free(words.word);
    return found;
}

static PyObject *get(PyObject *object, PyObject *text)
{
    struct memory_object *self = as_memory(object);
    struct kato_memory *memory = self->memory;
    struct name name;
    PyObject *found = NULL;
    if (!kato_packed_name(text, &name))
        return NULL;
    kato_wait_read(memory);
    uint32_t id = kato_memory_named(memory, name.packed, name.size);
    if (id == KATO_NONE)
        found = Py_NewRef(Py_None);
    else {
        PyObject *events = kato_events(memory->words + memory->start[id], kato_length(memory, id),
                                       self->symbols.texts, false);
        if (events)
            found = Py_BuildValue("(NK)", events, (unsigned long long)memory->frequency[id]);
    }
    kato_lock_read_done(&memory->lock);
    kato_free(name.packed);
    return found;
}

static PyObject *names_of(const struct kato_memory *memory, const uint32_t *ids, size_t count)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < count && list; i++) {
        size_t size;
        const unsigned char *packed = kato_name(memory, ids[i], &size);
        PyObject *name = kato_name_object(packed, size);
        if (name == NULL || PyList_Append(list, name) < 0)
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

static PyObject *page(PyObject *object, PyObject *args)
{
    struct kato_memory *memory = as_memory(object)->memory;
    PyObject *after;
    size_t most, count;
    struct name name = {NULL, 0};
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(args, "On", &after, &limit)
        || (after != Py_None && !kato_packed_name(after, &name)))
        return NULL;
    kato_wait_read(memory);
    most = limit < 0 ? 0 : (size_t)limit;
    if (most > kato_models(memory))
        most = kato_models(memory);
    uint32_t *ids = kato_resized(NULL, most, sizeof *ids);
    PyObject *list = NULL;
    if (ids) {
        Py_BEGIN_ALLOW_THREADS
        count = kato_memory_page(memory, name.packed, name.size, ids, most);
        Py_END_ALLOW_THREADS
        list = names_of(memory, ids, count);
    } else
        PyErr_NoMemory();
    kato_lock_read_done(&memory->lock);
    kato_free(ids);
    kato_free(name.packed);
    return list;
}

static PyObject *use(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    struct memory_object *self = as_memory(object);
    kato_wait_read(self->memory);
    struct kato_use use = kato_memory_use(self->memory);
    size_t bytes = self->text_bytes;
    bool sized = size_of(self->codes, &bytes);
    kato_lock_read_done(&self->memory->lock);
    if (!sized)
        return NULL;
    return Py_BuildValue("(nnn)", (Py_ssize_t)use.models, (Py_ssize_t)use.index,
                         (Py_ssize_t)bytes);
}

/* Keeping */

static PyObject *dump(PyObject *object, PyObject *ignored)
{
    (void)ignored;
    struct memory_object *self = as_memory(object);
    kato_wait_read(self->memory);
    PyObject *dumped = kato_dump(self->memory, self->symbols.texts);
    kato_lock_read_done(&self->memory->lock);
    return dumped;
}

static PyObject *load(PyObject *object, PyObject *bytes)
{
    struct memory_object *self = as_memory(object);
    struct kato_loaded loaded;
    if (!PyBytes_Check(bytes)) {
        PyErr_SetString(PyExc_TypeError, "a dump is bytes");
        return NULL;
    }
    if (!kato_load(bytes, self->memory->seed, &loaded))
        return NULL;
    if (loaded.memory == NULL)
        Py_RETURN_FALSE;
    size_t bytes_used = 0;
    PyObject *codes = NULL;
    struct symbols symbols = {NULL, NULL};
    bool fits = empty_symbols(&codes, &symbols);
    Py_ssize_t count = PyList_Size(loaded.texts);
    for (Py_ssize_t i = 0; i < count && fits; i++) {
        PyObject *text = PyList_GetItem(loaded.texts, i);
        bytes_used += sizeof(PyObject *) * 2 + 32;
        fits = append_symbol(codes, symbols, text, (uint32_t)i) && size_of(text, &bytes_used);
    }
    bool distinct = fits && PyDict_Size(codes) == count;
    kato_wait_write(self->memory);
    bool empty = kato_models(self->memory) == 0;
    if (distinct && empty) {
        PyObject *old_codes = self->codes;
        struct symbols old_symbols = self->symbols;
        kato_memory_swap(self->memory, loaded.memory);
        self->codes = codes;
        self->symbols = symbols;
        self->text_bytes = bytes_used;
        codes = old_codes;
        symbols = old_symbols;
    }
    kato_lock_write_done(&self->memory->lock);
    drop_symbols(codes, symbols);
    kato_memory_free(loaded.memory);
    Py_DECREF(loaded.texts);
    if (!fits)
        return NULL;
    if (!empty) {
        PyErr_SetString(PyExc_ValueError, "there are models already");
        return NULL;
    }
    return PyBool_FromLong(distinct);
}

static PyMethodDef methods[] = {
    {"add", add, METH_VARARGS, "add(name, sequence, frequency): take in a new model."},
    {"reweigh", reweigh, METH_VARARGS, "reweigh(name, frequency): give a model another frequency."},
    {"remove", remove_model, METH_O, "Forget the model of this name."},
    {"find", find, METH_O, "The name of the model with this sequence, or None."},
    {"get", get, METH_O, "The sequence and the frequency of the model of this name, or None."},
    {"page", page, METH_VARARGS, "page(after, limit): the names that come next."},
    {"use", use, METH_NOARGS, "Bytes used by models, index and symbols."},
    {"best", kato_best, METH_VARARGS, "best(state, threshold, rank, most): a Ranking."},
    {"count", kato_count, METH_VARARGS, "count(state, threshold): how many models are kept."},
    {"forecast", kato_forecast, METH_VARARGS,
     "forecast(state, threshold, limit): (share, event, models, frequency) of the best entries,"
     " highest share first, and of those that share the last place."},
    {"stand", kato_stand, METH_VARARGS,
     "stand(state, threshold, rank, name): how many models are kept, the sum of their frequencies,"
     " and the rank of the model of this name from 1, None if it is not kept."},
    {"weigh", kato_weigh, METH_O,
     "weigh(symbols): by symbol the frequencies of the models that contain it, together; the sum of"
     " frequency times distinct symbols of all models; the sum of all frequencies."},
    {"dump", dump, METH_NOARGS, "All models as bytes."},
    {"load", load, METH_O, "Take in what dump gave, if there are no models; False if it does not fit."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef attributes[] = {
    {"symbols", symbols, NULL, "How many distinct symbols all models have.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {
    {Py_tp_new, new},          {Py_tp_dealloc, dealloc},   {Py_sq_length, length},
    {Py_tp_methods, methods},  {Py_tp_getset, attributes}, {Py_tp_doc, "Memory(seed): models that can be matched."},
    {0, NULL}};

PyType_Spec kato_memory_spec = {.name = "kato.engine._kernel.Memory",
                                .basicsize = sizeof(struct memory_object),
                                .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
                                .slots = slots};
