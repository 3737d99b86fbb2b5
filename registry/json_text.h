/*
 * Places in the text of a JSON document, for changing one without touching the bytes of the rest. The
 * text is valid JSON (jansson has read it) and ends with a NUL. Pure, any thread.
 */
#ifndef CIP_REGISTRY_JSON_TEXT_H
#define CIP_REGISTRY_JSON_TEXT_H

/*
 * Where the value of this member of the object at `text` starts; NULL if there is none, or its name is
 * written with escapes.
 */
const char *json_text_member(const char *text, const char *name);

/* Behind the value that starts at `value`. */
const char *json_text_end(const char *value);

#endif
