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

  remove(name: string): void {
    this.items = this.items.filter((item) => item.name !== name);
  }

  // Type here, for example: update
  

  isEmpty(): boolean {
    return this.items.length === 0;
  }
}
