#ifndef STORE_STORE_H
#define STORE_STORE_H

#endif
