/* A ranking for Python: predictions as dicts or as JSON, built when they are asked for. */

#include "binding.h"

#include <string.h>

#include "alloc.h"
#include "names.h"
#include "writer.h"

struct ranking_object {
    PyObject_HEAD
    struct kato_ranking *ranking;
    struct symbols symbols;
    PyObject *state; /* tuple of str */
};

PyObject *kato_ranking_object(struct module_state *module, struct kato_ranking *ranking,
                              struct symbols symbols, PyObject *state)
{
    allocfunc alloc = (allocfunc)PyType_GetSlot(module->ranking_type, Py_tp_alloc);
    struct ranking_object *self = (struct ranking_object *)alloc(module->ranking_type, 0);
    if (self == NULL) {
        kato_ranking_free(ranking);
        return NULL;
    }
    self->ranking = ranking;
    self->symbols = symbols;
    self->state = state;
    Py_INCREF(symbols.texts);
    Py_INCREF(symbols.literals);
    Py_INCREF(state);
    return (PyObject *)self;
}

static void dealloc(PyObject *object)
{
    struct ranking_object *self = (struct ranking_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    kato_ranking_free(self->ranking);
    Py_DECREF(self->symbols.texts);
    Py_DECREF(self->symbols.literals);
    Py_DECREF(self->state);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static Py_ssize_t length(PyObject *object)
{
    return (Py_ssize_t)((struct ranking_object *)object)->ranking->count;
}

static struct kato_winner *winner_at(struct ranking_object *self, PyObject *place, uint32_t *index)
{
    size_t given = PyLong_AsSize_t(place);
    if (PyErr_Occurred())
        return NULL;
    if (given >= self->ranking->count) {
        PyErr_SetString(PyExc_IndexError, "no such place in the ranking");
        return NULL;
    }
    *index = (uint32_t)given;
    return &self->ranking->winner[given];
}

/* What the blocks say of each symbol of a winner's present events and of the state. */
struct matched {
    struct kato_block *block;
    uint32_t count;
};

static bool find_matched(struct ranking_object *self, uint32_t place, struct matched *matched)
{
    matched->block = kato_winner_blocks(self->ranking, place, &matched->count);
    if (matched->block == NULL)
        PyErr_NoMemory();
    return matched->block != NULL;
}

/* Numbers of symbols, in order: those within the blocks, or those between `start` and `end` that are
   in none. Of the model, or of the state. */
struct walk {
    const struct matched *matched;
    bool in_state, within;
    uint32_t at, end, block;
};

static bool is_inside(struct walk *walk)
{
    for (; walk->block < walk->matched->count; walk->block++) {
        const struct kato_block *block = &walk->matched->block[walk->block];
        uint32_t start = walk->in_state ? block->state : block->model;
        if (walk->at < start + block->size)
            return walk->at >= start;
    }
    return false;
}

static bool next_symbol(struct walk *walk, uint32_t *number)
{
    while (walk->at < walk->end && is_inside(walk) != walk->within)
        walk->at++;
    *number = walk->at;
    return walk->at++ < walk->end;
}

static struct walk walk_matches(const struct matched *matched, const struct kato_winner *winner)
{
    return (struct walk){matched, false, true, winner->start, winner->end, 0};
}

static struct walk walk_missing(const struct matched *matched, const struct kato_winner *winner)
{
    return (struct walk){matched, false, false, winner->start, winner->end, 0};
}

static struct walk walk_extras(const struct matched *matched, const struct kato_ranking *ranking)
{
    return (struct walk){matched, true, false, 0, ranking->view.length, 0};
}

/* As dicts */

static PyObject *symbol_list(struct ranking_object *self, const struct kato_winner *winner,
                             struct walk walk)
{
    PyObject *list = PyList_New(0);
    uint32_t number;
    while (list && next_symbol(&walk, &number)) {
        PyObject *text = walk.in_state
                             ? PyTuple_GetItem(self->state, (Py_ssize_t)number)
                             : PyList_GetItem(self->symbols.texts,
                                              (Py_ssize_t)KATO_CODE(winner->words[number]));
        if (text == NULL || PyList_Append(list, text) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* Put a new reference into a dict, and let go of it. */
static bool put(PyObject *dict, const char *key, PyObject *value)
{
    bool done = value != NULL && PyDict_SetItemString(dict, key, value) == 0;
    Py_XDECREF(value);
    return done;
}

static const char *const number_name[KATO_NUMBERS] = {
    "similarity",  "evidence",          "confidence", "snr",
    "fragmentation", "entropy",         "hamiltonian", "grand_hamiltonian",
    "confluence",  "itfdf_similarity",  "potential"};

/* Rounded to twelve decimals; the few that are too large for that in C are left to Python. */
static bool rounded(double value, double *result)
{
    if (value > -9000.0 && value < 9000.0) {
        *result = kato_rounded(value);
        return true;
    }
    PyObject *given = PyFloat_FromDouble(value);
    PyObject *round = given ? PyObject_CallMethod(given, "__round__", "i", 12) : NULL;
    *result = round ? PyFloat_AsDouble(round) + 0.0 : 0.0;
    Py_XDECREF(given);
    Py_XDECREF(round);
    return round != NULL;
}

static bool rounded_numbers(struct ranking_object *self, uint32_t place,
                            double numbers[KATO_NUMBERS])
{
    if (!kato_winner_numbers(self->ranking, place, numbers)) {
        PyErr_NoMemory();
        return false;
    }
    for (int i = 0; i < KATO_NUMBERS; i++)
        if (!rounded(numbers[i], &numbers[i]))
            return false;
    return true;
}

static bool put_numbers(struct ranking_object *self, uint32_t place, PyObject *dict)
{
    double numbers[KATO_NUMBERS];
    if (!rounded_numbers(self, place, numbers))
        return false;
    for (int i = 0; i < KATO_NUMBERS; i++)
        if (!put(dict, number_name[i], PyFloat_FromDouble(numbers[i])))
            return false;
    return true;
}

static bool put_all(struct ranking_object *self, uint32_t place, const struct matched *matched,
                    PyObject *dict)
{
    const struct kato_winner *winner = &self->ranking->winner[place];
    const uint32_t *words = winner->words;
    PyObject *texts = self->symbols.texts;
    uint32_t start = winner->start, end = winner->end;
    return put(dict, "type", PyUnicode_FromString("prototypical"))
           && put(dict, "name", kato_name_object(winner->name, winner->name_size))
           && put(dict, "frequency", PyLong_FromUnsignedLongLong(winner->frequency))
           && put(dict, "matches", symbol_list(self, winner, walk_matches(matched, winner)))
           && put(dict, "missing", symbol_list(self, winner, walk_missing(matched, winner)))
           && put(dict, "extras", symbol_list(self, winner, walk_extras(matched, self->ranking)))
           && put(dict, "past", kato_events(words, start, texts, true))
           && put(dict, "present", kato_events(words + start, end - start, texts, true))
           && put(dict, "future",
                  kato_events(words + end, winner->counts.length - end, texts, true))
           && put_numbers(self, place, dict);
}

static PyObject *told(PyObject *object, PyObject *place)
{
    struct ranking_object *self = (struct ranking_object *)object;
    uint32_t index;
    struct matched matched;
    if (winner_at(self, place, &index) == NULL || !find_matched(self, index, &matched))
        return NULL;
    PyObject *dict = PyDict_New();
    if (dict && !put_all(self, index, &matched, dict))
        Py_CLEAR(dict);
    kato_free(matched.block);
    return dict;
}

/* As JSON */

static PyObject *encoded(PyObject *object, PyObject *text)
{
    struct module_state *module = PyType_GetModuleState(Py_TYPE(object));
    PyObject *literal = PyObject_CallFunctionObjArgs(module->encode, text, NULL);
    PyObject *bytes = literal ? PyUnicode_AsUTF8String(literal) : NULL;
    Py_XDECREF(literal);
    return bytes;
}

static bool write_bytes(struct kato_writer *writer, PyObject *bytes)
{
    char *text;
    Py_ssize_t size;
    return PyBytes_AsStringAndSize(bytes, &text, &size) == 0
           && kato_write(writer, text, (size_t)size);
}

static bool write_encoded(struct kato_writer *writer, PyObject *object, PyObject *text)
{
    PyObject *bytes = text ? encoded(object, text) : NULL;
    bool written = bytes && write_bytes(writer, bytes);
    Py_XDECREF(bytes);
    return written;
}

static bool write_symbol(struct kato_writer *writer, struct ranking_object *self, uint32_t code)
{
    PyObject *literal = PyList_GetItem(self->symbols.literals, (Py_ssize_t)code);
    if (literal == NULL)
        return false;
    if (literal == Py_None) {
        PyObject *text = PyList_GetItem(self->symbols.texts, (Py_ssize_t)code);
        literal = text ? encoded((PyObject *)self, text) : NULL;
        if (literal == NULL)
            return false;
        Py_INCREF(literal); /* PyList_SetItem takes one over */
        int set = PyList_SetItem(self->symbols.literals, (Py_ssize_t)code, literal);
        bool written = set == 0 && write_bytes(writer, literal);
        Py_DECREF(literal);
        return written;
    }
    return write_bytes(writer, literal);
}

static bool write_symbols(struct kato_writer *writer, struct ranking_object *self,
                          const struct kato_winner *winner, struct walk walk)
{
    uint32_t number;
    const char *before = "[";
    while (next_symbol(&walk, &number)) {
        if (!kato_write_text(writer, before))
            return false;
        bool written =
            walk.in_state ? write_encoded(writer, (PyObject *)self,
                                          PyTuple_GetItem(self->state, (Py_ssize_t)number))
                          : write_symbol(writer, self, KATO_CODE(winner->words[number]));
        if (!written)
            return false;
        before = ",";
    }
    return kato_write_text(writer, *before == '[' ? "[]" : "]");
}

static bool write_events(struct kato_writer *writer, struct ranking_object *self,
                         const uint32_t *words, uint32_t count)
{
    if (!kato_write_text(writer, "["))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const char *before = words[i] & KATO_FIRST ? i ? "],[" : "[" : ",";
        if (!kato_write_text(writer, before) || !write_symbol(writer, self, KATO_CODE(words[i])))
            return false;
    }
    return kato_write_text(writer, count ? "]]" : "]");
}

static bool write_name(struct kato_writer *writer, struct ranking_object *self,
                       const struct kato_winner *winner)
{
    PyObject *name = kato_name_object(winner->name, winner->name_size);
    bool written = write_encoded(writer, (PyObject *)self, name);
    Py_XDECREF(name);
    return written;
}

static bool write_numbers(struct kato_writer *writer, struct ranking_object *self, uint32_t place)
{
    double numbers[KATO_NUMBERS];
    if (!rounded_numbers(self, place, numbers))
        return false;
    for (int i = 0; i < KATO_NUMBERS; i++)
        if (!kato_write_text(writer, ",\"") || !kato_write_text(writer, number_name[i])
            || !kato_write_text(writer, "\":") || !kato_write_float(writer, numbers[i]))
            return false;
    return true;
}

static bool write_all(struct kato_writer *writer, struct ranking_object *self, uint32_t place,
                      const struct matched *matched)
{
    const struct kato_winner *winner = &self->ranking->winner[place];
    const uint32_t *words = winner->words;
    uint32_t start = winner->start, end = winner->end;
    return kato_write_text(writer, "{\"type\":\"prototypical\",\"name\":")
           && write_name(writer, self, winner) && kato_write_text(writer, ",\"frequency\":")
           && kato_write_count(writer, winner->frequency)
           && kato_write_text(writer, ",\"matches\":")
           && write_symbols(writer, self, winner, walk_matches(matched, winner))
           && kato_write_text(writer, ",\"missing\":")
           && write_symbols(writer, self, winner, walk_missing(matched, winner))
           && kato_write_text(writer, ",\"extras\":")
           && write_symbols(writer, self, winner, walk_extras(matched, self->ranking))
           && kato_write_text(writer, ",\"past\":") && write_events(writer, self, words, start)
           && kato_write_text(writer, ",\"present\":")
           && write_events(writer, self, words + start, end - start)
           && kato_write_text(writer, ",\"future\":")
           && write_events(writer, self, words + end, winner->counts.length - end)
           && write_numbers(writer, self, place);
}

static PyObject *json(PyObject *object, PyObject *place)
{
    struct ranking_object *self = (struct ranking_object *)object;
    uint32_t index;
    struct matched matched;
    struct kato_writer writer = {0};
    if (winner_at(self, place, &index) == NULL || !find_matched(self, index, &matched))
        return NULL;
    PyObject *bytes = NULL;
    if (write_all(&writer, self, index, &matched))
        bytes = PyBytes_FromStringAndSize(writer.text, (Py_ssize_t)writer.used);
    kato_free(writer.text);
    kato_free(matched.block);
    return bytes;
}

/* Parts */

static PyObject *blocks(PyObject *object, PyObject *place)
{
    struct ranking_object *self = (struct ranking_object *)object;
    uint32_t index;
    struct matched matched;
    if (winner_at(self, place, &index) == NULL || !find_matched(self, index, &matched))
        return NULL;
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; i < matched.count && list; i++) {
        const struct kato_block *block = &matched.block[i];
        PyObject *one = Py_BuildValue("(III)", block->model, block->state, block->size);
        if (one == NULL || PyList_Append(list, one) < 0)
            Py_CLEAR(list);
        Py_XDECREF(one);
    }
    kato_free(matched.block);
    return list;
}

static PyObject *name(PyObject *object, PyObject *place)
{
    uint32_t index;
    struct kato_winner *winner = winner_at((struct ranking_object *)object, place, &index);
    return winner ? kato_name_object(winner->name, winner->name_size) : NULL;
}

static PyObject *kept(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromUnsignedLongLong(((struct ranking_object *)object)->ranking->kept);
}

static PyMethodDef methods[] = {
    {"told", told, METH_O, "The prediction at a place, without emotives."},
    {"json", json, METH_O, "The same as JSON, without the closing brace."},
    {"blocks", blocks, METH_O, "The blocks at a place: of each its place in model and state, and size."},
    {"name", name, METH_O, "The name of the model at a place."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef attributes[] = {
    {"kept", kept, NULL, "How many models were kept.", NULL}, {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {{Py_tp_dealloc, dealloc},
                              {Py_sq_length, length},
                              {Py_tp_methods, methods},
                              {Py_tp_getset, attributes},
                              {Py_tp_doc, "The best of the models that a state keeps, best first."},
                              {0, NULL}};

PyType_Spec kato_ranking_spec = {
    .name = "kato.engine._kernel.Ranking",
    .basicsize = sizeof(struct ranking_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots};
