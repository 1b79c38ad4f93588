#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/str.h"

/* All of it. 0, or -1 with errno. */
int file_write(int fd, struct str s);

/* So that a name that was made or changed at path is there after a power cut. */
void file_sync_folder(const char *path);

#endif
