#ifndef BASE_JSON_H
#define BASE_JSON_H

#endif
