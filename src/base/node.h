#ifndef BASE_NODE_H
#define BASE_NODE_H

#endif
