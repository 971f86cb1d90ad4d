/** What a customer wants to buy. */
export interface CartItem {
  name: string;
  price: number;
  quantity: number;
}

export class Cart {
  private items: CartItem[] = [];

  add(item: CartItem): void {
    this.items.push(item);
  }

  find(name: string): CartItem | undefined {
    for (const item of this.items) {
      if (item.name === name) {
        return item;
      }
    }
    return undefined;
  }

  count(): number {
    let count = 0;
    for (const item of this.items) {
      count += item.quantity;
    }
    return count;
  }

  total(): number {
    let total = 0;
    // Type here: for (const item
    
    return total;
  }

  isEmpty(): boolean {
    return this.items.length === 0;
  }
}
