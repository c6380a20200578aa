#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/core/name_order.hpp"
#include "transfer/ops/operation.hpp"

namespace act::ops {

/// One item of a tree: a file or blob, or an empty folder (which a store knows as a stub).
struct side_item {
    /// Relative to the tree's root; empty for a file or blob that is the root itself. Other tools' stubs of
    /// folders keep the slash at their end.
    std::string name;
    bool folder = false;
    bool occupied = false;  ///< of a real folder in a store: there is something in it
    std::uint64_t size = 0;
    std::optional<file::status> local;
    std::string link_target;  ///< of a local link that counts as one
    std::optional<blob::properties> blob;
};

/// One end of a comparison: its items in the order of their relative names, read ahead in bounded memory.
/// What cannot be read on the way is reported to the operation (failed()) and makes the side incomplete.
class tree_side {
public:
    virtual ~tree_side() = default;
    /// The order in which a store lists; nothing where any will do: of a local tree, and of what is empty or
    /// no tree. Fails as next() would.
    virtual task<result<std::optional<name_order>>> order() = 0;
    /// In which order next() gives the items, before its first call; bytes if never said.
    virtual void come_by(name_order) = 0;
    /// The next item that the selection takes, nothing at the end. kind::unsupported when a store lists out
    /// of order, on which no comparison can stand; kind::not_found when the root is not there at all.
    virtual task<result<std::optional<side_item>>> next() = 0;
    /// To be awaited before destruction.
    virtual task<void> close() = 0;
    /// After the end: nothing was left out for want of access.
    virtual bool complete() const = 0;

    static std::unique_ptr<tree_side> open(operation&, const tree_end&, const plan::selection&);
};

/// Has both ends come in one order, which it returns. kind::unsupported where two stores have different ones.
/// An end that is not there has none, which next() will tell.
task<result<name_order>> agree_on_order(tree_side&, tree_side&);

}  // namespace act::ops
