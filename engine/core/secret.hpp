#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace act {

/// A key, token or password. It prints as "***" whichever way it is printed; `reveal` is the only way to the
/// text. What it held is overwritten when it goes, or is moved away from.
class secret {
public:
    secret() = default;
    explicit secret(std::string text) : text_(std::move(text)) {}
    secret(const secret&) = default;
    secret(secret&& from) noexcept : text_(std::move(from.text_)) { from.wipe(); }
    secret& operator=(const secret& from) {
        if (this != &from) {
            wipe();
            text_ = from.text_;
        }
        return *this;
    }
    secret& operator=(secret&& from) noexcept {
        if (this != &from) {
            wipe();
            text_ = std::move(from.text_);
            from.wipe();
        }
        return *this;
    }
    ~secret() { wipe(); }

    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend bool operator==(const secret&, const secret&) = default;
    friend std::ostream& operator<<(std::ostream&, const secret&);

private:
    /// All that the text's memory holds, which may be more than the text. Leaves it empty.
    void wipe() noexcept;

    std::string text_;
};

/// The log's form of a secret (log.hpp makes it fmt's form too).
inline std::string_view format_as(const secret& s) { return s.empty() ? "(none)" : "***"; }

/// The last backstop over a line that goes to a person or a file: hides the values of `sig=`, `AccountKey=`,
/// `SharedAccessSignature=`, `Authorization:`, `x-ms-encryption-key:` and bearer tokens wherever they stand.
std::string redact(std::string_view line);

}  // namespace act
