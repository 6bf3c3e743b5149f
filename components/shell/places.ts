import type { ReactNode } from 'react';

export interface Place {
  readonly href: string;
  readonly label: string;
  /** What kind of place it is, in words ("School", "Sales agent", "Operator"). */
  readonly kind: string;
}

export interface NavItem {
  readonly href: string;
  readonly label: string;
  /** How many things wait there. */
  readonly waiting?: number;
  /** Instead, where the number changes while the portal is open. */
  readonly badge?: ReactNode;
  /** Matches only itself, not what lies below it. */
  readonly exact?: boolean;
}
