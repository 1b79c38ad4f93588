#ifndef CORE_COMMIT_H
#define CORE_COMMIT_H

#endif
