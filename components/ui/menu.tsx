'use client';

import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';

/** A button with a list of acts behind it. */
export function Menu({ trigger, children }: { trigger: ReactNode; children: ReactNode }) {
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={6}
          collisionPadding={8}
          className="z-50 max-h-[70dvh] min-w-52 overflow-y-auto rounded-card border border-line bg-card p-1 shadow-lg"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const item =
  'flex min-h-9 cursor-pointer select-none items-center gap-2 rounded-control px-3 py-1.5 no-underline outline-none data-[highlighted]:bg-sunken data-[disabled]:opacity-50 [&_svg]:size-4';

export function MenuItem({
  children,
  onSelect,
  asChild,
  disabled,
}: {
  children: ReactNode;
  onSelect?: () => void;
  asChild?: boolean;
  disabled?: boolean;
}) {
  return (
    <DropdownMenu.Item className={item} onSelect={onSelect} asChild={asChild} disabled={disabled}>
      {children}
    </DropdownMenu.Item>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-3 py-1.5 text-ink-2 text-sm">{children}</DropdownMenu.Label>;
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
