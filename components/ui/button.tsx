import { cva, type VariantProps } from 'class-variance-authority';
import { Slot } from 'radix-ui';
import type { ComponentProps } from 'react';
import { classNames } from './class-names.ts';

const look = cva(
  'inline-flex items-center justify-center gap-2 whitespace-nowrap rounded-control border font-semibold transition-colors disabled:cursor-not-allowed disabled:opacity-55 aria-disabled:cursor-not-allowed aria-disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0 cursor-pointer no-underline',
  {
    variants: {
      variant: {
        primary: 'border-transparent bg-accent text-on-accent hover:opacity-90',
        secondary: 'border-edge bg-card text-ink hover:bg-sunken',
        quiet: 'border-transparent bg-transparent text-ink hover:bg-sunken',
        danger: 'border-fail bg-card text-fail hover:bg-fail-bg',
      },
      size: { normal: 'min-h-10 px-4 py-2', small: 'min-h-8 px-3 py-1 text-sm', icon: 'size-10 p-0' },
    },
    defaultVariants: { variant: 'secondary', size: 'normal' },
  },
);

type ButtonProps = ComponentProps<'button'> & VariantProps<typeof look> & { asChild?: boolean; pending?: boolean };

/** The primary one says what will happen. `pending` keeps its place and tells screen readers that it works. */
export function Button({
  className,
  variant,
  size,
  asChild,
  pending,
  disabled,
  children,
  type,
  ...props
}: ButtonProps) {
  const classes = classNames(look({ variant, size }), className);
  if (asChild === true) {
    return (
      <Slot.Root className={classes} {...props}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button
      type={type ?? 'button'}
      className={classes}
      disabled={disabled === true || pending === true}
      aria-busy={pending}
      {...props}
    >
      {pending === true && (
        <span aria-hidden className="size-4 animate-spin rounded-full border-2 border-current border-t-transparent" />
      )}
      {children}
    </button>
  );
}
