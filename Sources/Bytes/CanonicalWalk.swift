/// A container around the one that is gone over.
private struct Holder: BitwiseCopyable {
  var isObject: Bool
  /// The last key, whose end is 0 where there is none yet.
  var keyStart = 0
  var keyEnd = 0
  var isPlain = true
}

extension CanonicalReader {
  /// Steps over a value of any kind.
  package mutating func skipValue() -> Bool {
    unsafe withUnsafeTemporaryAllocation(of: Holder.self, capacity: JSONLimits.standardDepth) {
      var reader = self
      let isCanonical = unsafe reader.walk($0)
      self = reader
      return isCanonical
    }
  }

  @inline(__always)
  private mutating func walk(_ holders: UnsafeMutableBufferPointer<Holder>) -> Bool {
    let bottom = depth
    // The innermost container; before the first one none.
    var holder = Holder(isObject: false)
    while true {
      switch byte(offset) {
      case UInt8(ascii: "\""): guard takeText() != nil else { return false }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard depth < JSONLimits.standardDepth else { return false }
        let isObject = stands("{", at: offset)
        offset &+= 1
        if stands(isObject ? "}" : "]", at: offset) {
          offset &+= 1
          guard offset < count || depth == 0 else { return false }
          break
        }
        unsafe holders[depth &- bottom] = holder
        depth &+= 1
        holder = Holder(isObject: isObject)
        guard !isObject || takeKey(of: &holder) else { return false }
        continue
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        guard takeInteger() != nil else { return false }
      case UInt8(ascii: "t"): guard takeWord("true") else { return false }
      case UInt8(ascii: "f"): guard takeWord("false") else { return false }
      case UInt8(ascii: "n"): guard takeWord("null") else { return false }
      default: return false
      }
      // Behind a value: its container goes on, or it ends, and then so may the one around it.
      while true {
        guard depth > bottom else { return true }
        let next = byte(offset)
        offset &+= 1
        if next == UInt8(ascii: ",") { break }
        let closing = holder.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        guard next == closing else { return false }
        depth &-= 1
        holder = unsafe holders[depth &- bottom]
        guard offset < count || depth == 0 else { return false }
      }
      guard !holder.isObject || takeKey(of: &holder) else { return false }
    }
  }

  /// Steps over a key, which stands behind the one before it, and its colon.
  @inline(__always)
  private mutating func takeKey(of holder: inout Holder) -> Bool {
    guard let key = takeText(), stands(":", at: offset) else { return false }
    offset &+= 1
    defer {
      holder.keyStart = key.range.lowerBound
      holder.keyEnd = key.range.upperBound
      holder.isPlain = key.isPlain
    }
    return holder.keyEnd == 0 || precedes(holder, key)
  }

  /// Whether the last key stands before `key`: ``keyPrecedes(_:_:)`` on keys of the line.
  @inline(__always)
  private func precedes(_ last: Holder, _ key: Text) -> Bool {
    let start = key.range.lowerBound
    if last.isPlain, key.isPlain, start &+ 8 <= count {
      let one = word(last.keyStart)
      let other = word(start)
      if one != other {
        let same = (one ^ other).leadingZeroBitCount &>> 3
        let lengths = (last.keyEnd &- last.keyStart, key.range.count)
        // Where the shorter one ends without a difference, it stands first.
        return same < min(lengths.0, lengths.1) ? one < other : lengths.0 < lengths.1
      }
    }
    return richPrecedes(last.keyStart..<last.keyEnd, key.range)
  }

  /// Eight bytes as a number that is ordered as they are.
  @inline(__always)
  private func word(_ offset: Int) -> UInt64 {
    UInt64(
      bigEndian: unsafe UnsafeRawPointer(bytes).loadUnaligned(
        fromByteOffset: offset, as: UInt64.self))
  }

  @inline(never)
  private func richPrecedes(_ one: Range<Int>, _ other: Range<Int>) -> Bool {
    let line = unsafe slice(0..<count).bytes
    var left = one.lowerBound
    var right = other.lowerBound
    while right < other.upperBound {
      guard left < one.upperBound else { return true }
      let a = nextByte(in: line, at: &left)
      let b = nextByte(in: line, at: &right)
      if a != b { return bytePrecedes(a, b) }
    }
    return false
  }
}
