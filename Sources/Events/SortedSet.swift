import Bytes

/// A set that is always read and written in ascending order, each element once.
package struct SortedSet<Element: FieldValue & Comparable>: FieldValue {
  package let elements: [Element]

  /// Takes elements in any order; one that stands twice is taken once.
  package init(_ elements: some Sequence<Element>) {
    var unique: [Element] = []
    for element in elements.sorted() where unique.last != element { unique.append(element) }
    self.elements = unique
  }

  package init(from reader: inout ObjectReader) throws(EventError) {
    elements = try [Element](from: &reader)
    try Check.ascending("", elements, by: \.self)
  }

  package func append(to bytes: inout [UInt8]) { elements.append(to: &bytes) }

  /// Whether `element` is in the set, in O(log n).
  package func contains(_ element: Element) -> Bool {
    var low = 0
    var high = elements.count
    while low < high {
      let middle = low + (high - low) / 2
      if elements[middle] < element { low = middle + 1 } else { high = middle }
    }
    return low < elements.count && elements[low] == element
  }

  /// Whether the two sets have an element in common.
  package func meets(_ other: SortedSet) -> Bool {
    elements.contains { other.contains($0) }
  }
}

extension SortedSet: RandomAccessCollection {
  package var startIndex: Int { elements.startIndex }
  package var endIndex: Int { elements.endIndex }
  package subscript(position: Int) -> Element { elements[position] }
}

extension SortedSet: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: Element...) { self.init(elements) }
}
