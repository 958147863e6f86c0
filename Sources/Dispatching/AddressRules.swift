import Bytes
import Events

/// Whether a channel can send to an address, as far as its form tells.
///
/// Judged when the address is recorded, since later readers may have no key to open it.
enum AddressRules {
  /// The longest address that is recorded at all.
  static let limitBytes = 1_024

  /// What is wrong with `address` on `channel`, or `nil`.
  static func problem(of address: String, on channel: ChannelCode) -> AddressProblem? {
    if address.isEmpty { return .empty }
    let bytes = Array(address.utf8)
    switch channel.text {
    case "sms": return phoneNumber(bytes)
    case "email": return mailbox(bytes)
    case "webhook": return address.utf8.count > limitBytes ? .tooLong : url(bytes)
    default:
      if bytes.count > 256 { return .tooLong }
      return isPrintable(address, limit: 256) ? nil : .malformed
    }
  }

  /// E.164: `+` and 7 to 15 digits, the first of them no zero.
  private static func phoneNumber(_ bytes: [UInt8]) -> AddressProblem? {
    let digits = bytes.dropFirst()
    guard bytes.first == UInt8(ascii: "+"), digits.allSatisfy({ decimalValue($0) != nil }),
      digits.first != UInt8(ascii: "0"), digits.count >= 7
    else { return .malformed }
    return digits.count > 15 ? .tooLong : nil
  }

  /// A dot-atom, `@` and a domain name (RFC 5321 §4.1.2 without quoted strings, comments and
  /// address literals), so that nothing in it can end a header or a command.
  private static func mailbox(_ bytes: [UInt8]) -> AddressProblem? {
    let parts = bytes.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    guard parts.count == 2 else { return .malformed }
    let atoms = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard atoms.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isAtomText) }), isDomain(parts[1]),
      parts[1].contains(UInt8(ascii: "."))
    else { return .malformed }
    return parts[0].count > 64 || bytes.count > 254 ? .tooLong : nil
  }

  /// `https://HOST[:PORT][/PATH][?QUERY]`, or `http` to this machine; no user, no fragment.
  private static func url(_ bytes: [UInt8]) -> AddressProblem? {
    let isSecure = bytes.starts(with: "https://".utf8)
    guard isSecure || bytes.starts(with: "http://".utf8), bytes.allSatisfy(isURLText) else {
      return .malformed
    }
    let rest = bytes.dropFirst(isSecure ? 8 : 7)
    let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
    let parts = authority.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard let host = parts.first, parts.count <= 2, isDomain(host),
      parts.count == 1 || isPort(parts[1])
    else { return .malformed }
    let isLocal = ["localhost", "127.0.0.1"].contains { host.elementsEqual($0.utf8) }
    return isSecure || isLocal ? nil : .malformed
  }

  /// Labels of 1 to 63 letters, digits and inner hyphens, 253 bytes at most in all.
  private static func isDomain(_ bytes: ArraySlice<UInt8>) -> Bool {
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return bytes.count <= 253
      && labels.allSatisfy { label in
        (1...63).contains(label.count) && label.first != UInt8(ascii: "-")
          && label.last != UInt8(ascii: "-")
          && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
      }
  }

  private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard (1...5).contains(bytes.count), bytes.allSatisfy({ decimalValue($0) != nil }) else {
      return false
    }
    return (1...65_535).contains(bytes.reduce(0) { $0 * 10 + Int($1 - 0x30) })
  }

  private static func isAtomText(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
  }

  /// What may stand in a URL (RFC 3986), less `#` and `@`.
  private static func isURLText(_ byte: UInt8) -> Bool {
    isLetterOrDigit(byte) || "-._~:/?[]!$&'()*+,;=%".utf8.contains(byte)
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    decimalValue(byte) != nil || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}
