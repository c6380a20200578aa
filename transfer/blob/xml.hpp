#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.hpp"

/// The little XML that the Blob service speaks: elements, attributes and text. Documents that are read whole
/// and are small use `reader`; listings of blobs have their own scanner (listing.hpp).
namespace act::blob::xml {

/// Appends `text` with & < > " and ' replaced by entities, and CR, LF and TAB by character references, so
/// that it may stand in an element or an attribute and comes back as it was.
void escape(std::string& out, std::string_view text);
/// False when `text` holds something XML 1.0 has no way to write: control characters, U+FFFE, U+FFFF, or
/// bytes that are not UTF-8. Listings send such names percent-encoded (<Name Encoded="true">).
bool representable(std::string_view text);
/// True only for ASCII text that is representable and that escape() leaves as it is: all there is to know of
/// most.
bool plain(std::string_view text);
/// Appends `raw` with entities and character references decoded. False on an unknown or malformed one.
bool unescape(std::string& out, std::string_view raw);

/// Writes a document without white space between elements. Names are literals of the caller: they are kept as
/// views until closed.
class writer {
public:
    /// Starts with the declaration that the service writes.
    explicit writer(std::size_t reserve = 256);

    writer& open(std::string_view name);
    /// Only right after open().
    writer& attribute(std::string_view name, std::string_view value);
    writer& text(std::string_view);
    writer& close();
    /// <name>text</name>, or <name /> when `text` is empty.
    writer& element(std::string_view name, std::string_view text);
    writer& element(std::string_view name, std::uint64_t number);
    /// As element(), but nothing at all when `text` is empty.
    writer& optional(std::string_view name, std::string_view text);
    /// Puts in markup that is already escaped.
    writer& raw(std::string_view markup);
    std::size_t size() const { return out_.size(); }
    /// Closes what is open and hands out the document.
    std::string take();

private:
    void end_tag();
    std::string out_;
    std::vector<std::string_view> open_;
    bool in_tag_ = false;
};

/// Walks over a whole document: one event at a time, entities decoded, CDATA as text; comments, processing
/// instructions and a byte-order mark are passed over. Checks that tags match. A document type declaration is
/// refused.
class reader {
public:
    explicit reader(std::string_view document);

    /// `done` after the root element's end; `malformed` for good once met (problem() says what).
    enum class event { open, close, text, done, malformed };
    /// An empty element (<a/>) gives `open` and then `close`.
    event next();

    /// The element's name as written, after `open` and `close`; without a namespace prefix.
    std::string_view name() const { return name_; }
    /// Decoded, after `text`. A run may come in several pieces.
    const std::string& text() const { return text_; }
    /// Decoded value of an attribute of the element just opened; empty if there is none.
    std::string attribute(std::string_view name) const;
    /// After `open`: all text up to the matching end, elements within left out.
    result<std::string> content();
    /// After `open`: passes over all up to the matching end.
    result<void> skip();
    /// The error of kind::protocol for `malformed`.
    error problem() const;

private:
    event fail(std::string why);
    event tag(std::size_t end);
    std::string_view rest_;
    std::string_view name_, attributes_;
    std::string text_;
    std::vector<std::string_view> open_;
    std::string why_;
    bool pending_close_ = false, started_ = false, failed_ = false;
};

/// As reader::next(), for the usual loop over an element's children: the next child that opens, or nothing at
/// the element's end. Text between children is passed over.
result<bool> next_child(reader&);

}  // namespace act::blob::xml
