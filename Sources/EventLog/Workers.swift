/// Does pieces of work, those of numbers 0 up to but without the count, and returns after the last:
/// several at once, where there are threads for it.
package typealias Workers = @Sendable (_ count: Int, _ work: @Sendable (Int) -> Void) -> Void

/// Does them one after the other.
package func oneByOne(_ count: Int, _ work: @Sendable (Int) -> Void) {
  for piece in 0..<count { work(piece) }
}

/// What is handed to pieces of work, or by them: at each time only one of them has it, or all only
/// read it.
package struct Handed<Value>: @unchecked Sendable {
  package var value: Value

  package init(_ value: Value) { self.value = value }
}
