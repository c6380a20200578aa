#pragma once

#include <memory>
#include <string>

#include "tools/store/files.hpp"
#include "tools/store/index.hpp"

namespace act::store {

/// The folder of a store, opened: index and data files. Shared by all stores of this process that serve it,
/// as LMDB must not be opened twice in a process. Closed with its last user; closing removes what is retired
/// and writes all through.
class volume {
public:
    /// A folder stays of the kind that it was made as; kind::configuration: it is of the other one.
    static result<std::shared_ptr<volume>> open(const std::string& root, name_space = name_space::flat);
    ~volume();
    volume(const volume&) = delete;
    volume& operator=(const volume&) = delete;

    act::store::index& index() { return *index_; }
    act::store::files& files() { return *files_; }

private:
    volume() = default;
    std::unique_ptr<act::store::index> index_;
    std::unique_ptr<act::store::files> files_;  // goes first: it has a look at the index
};

}  // namespace act::store
