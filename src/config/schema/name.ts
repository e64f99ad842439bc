/** What a test id or a cell's token may be: both become segments of a path. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** What `NAME` allows, for people. */
export const NAME_RULE = 'letters, digits, "_", "." and "-", with a letter or digit first';
