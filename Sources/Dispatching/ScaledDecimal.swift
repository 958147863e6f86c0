import Bytes
import Events

/// A decimal number as an integer of units of 10^-40: exact, for every number that a text of 40
/// bytes can spell and for sums of a few of them.
struct ScaledDecimal: Comparable {
  /// Digits before the point and behind it.
  private static let wholeDigits = 42
  private static let fractionDigits = 40

  private var isNegative: Bool
  /// The most significant digit first; as many in every number.
  private var digits: [UInt8]

  init(_ text: DecimalText) {
    var bytes = Array(text.text.utf8)
    isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes.removeFirst() }
    let point = bytes.firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
    let values = (bytes[..<point] + bytes[min(point + 1, bytes.count)...])
      .map { $0 - UInt8(ascii: "0") }
    digits = [UInt8](repeating: 0, count: Self.wholeDigits - point) + values
    digits += [UInt8](
      repeating: 0, count: Self.wholeDigits + Self.fractionDigits - digits.count)
  }

  static func < (one: ScaledDecimal, other: ScaledDecimal) -> Bool {
    switch (one.isNegative, other.isNegative) {
    case (true, false): true
    case (false, true): false
    case (false, false): one.digits.lexicographicallyPrecedes(other.digits)
    case (true, true): other.digits.lexicographicallyPrecedes(one.digits)
    }
  }

  static func += (one: inout ScaledDecimal, other: ScaledDecimal) {
    if one.isNegative == other.isNegative {
      one.addDigits(other.digits)
    } else if one.digits.lexicographicallyPrecedes(other.digits) {
      var larger = other
      larger.subtractDigits(one.digits)
      one = larger
    } else {
      one.subtractDigits(other.digits)
    }
    // There is one zero.
    if one.digits.allSatisfy({ $0 == 0 }) { one.isNegative = false }
  }

  static func -= (one: inout ScaledDecimal, other: ScaledDecimal) {
    var opposite = other
    if opposite.digits.contains(where: { $0 != 0 }) { opposite.isNegative.toggle() }
    one += opposite
  }

  private mutating func addDigits(_ other: [UInt8]) {
    var carry: UInt8 = 0
    for index in digits.indices.reversed() {
      let sum = digits[index] + other[index] + carry
      digits[index] = sum % 10
      carry = sum / 10
    }
    invariant(carry == 0, "a sum of two decimals has more digits than either could have")
  }

  /// Takes away a magnitude that isn't greater.
  private mutating func subtractDigits(_ other: [UInt8]) {
    var borrow: UInt8 = 0
    for index in digits.indices.reversed() {
      let taken = other[index] + borrow
      borrow = digits[index] < taken ? 1 : 0
      digits[index] = digits[index] + borrow * 10 - taken
    }
  }
}
