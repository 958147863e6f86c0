import Bytes

/// The one spelling of a size, an index or a time: digits without leading zeros.
enum DecimalText {
  /// 2^63 - 1, the greatest that C2SP's formats let a reader expect.
  static let greatest = UInt64(Int64.max)

  /// The number, or `nil` where `text` isn't its one spelling or it is greater than ``greatest``.
  static func read(_ text: some Collection<UInt8>) -> UInt64? {
    guard let first = text.first, text.count <= 19,
      text.count == 1 || first != UInt8(ascii: "0")
    else { return nil }
    // Nineteen digits always fit.
    var number: UInt64 = 0
    for byte in text {
      guard let digit = decimalValue(byte) else { return nil }
      number = number * 10 + UInt64(digit)
    }
    return number <= greatest ? number : nil
  }
}
